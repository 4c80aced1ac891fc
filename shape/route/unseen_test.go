package route

import (
	"sort"
	"strings"
	"testing"
)

// crud lists the usual operations of resources below a prefix.
func crud(prefix, id string, resources string) []string {
	var out []string
	for _, r := range strings.Fields(resources) {
		p := prefix + "/" + r
		out = append(out, "GET "+p, "POST "+p, "GET "+p+"/:"+id, "PUT "+p+"/:"+id, "DELETE "+p+"/:"+id)
	}
	return out
}

// unseenApps are shaped after public APIs; it is long because it is a table.
func unseenApps() map[string][]string {
	apps := map[string][]string{}

	var k []string
	for _, g := range []string{"/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/networking.k8s.io/v1", "/apis/rbac.authorization.k8s.io/v1", "/apis/policy/v1"} {
		kinds := map[string]string{"/api/v1": "pods services configmaps secrets endpoints events serviceaccounts persistentvolumeclaims", "/apis/apps/v1": "deployments replicasets statefulsets daemonsets",
			"/apis/batch/v1": "jobs cronjobs", "/apis/networking.k8s.io/v1": "ingresses networkpolicies", "/apis/rbac.authorization.k8s.io/v1": "roles rolebindings", "/apis/policy/v1": "poddisruptionbudgets"}[g]
		k = append(k, "GET "+g)
		k = append(k, crud(g+"/namespaces/:few_namespace", "object", kinds)...)
		for _, r := range strings.Fields(kinds) {
			k = append(k, "GET "+g+"/"+r, "PATCH "+g+"/namespaces/:few_namespace/"+r+"/:object/status", "GET "+g+"/watch/namespaces/:few_namespace/"+r)
		}
	}
	k = append(k, crud("/api/v1", "node", "nodes persistentvolumes")...)
	k = append(k, "GET /api/v1/namespaces", "GET /api/v1/namespaces/:few_namespace", "GET /api/v1/namespaces/:few_namespace/pods/:object/log", "POST /api/v1/namespaces/:few_namespace/pods/:object/exec", "GET /healthz", "GET /livez", "GET /readyz", "GET /version", "GET /openapi/v2", "GET /metrics")
	apps["cluster"] = k

	s := crud("/v1", "token", "charges customers payment_intents refunds disputes invoices subscriptions products prices coupons payouts plans")
	for _, x := range []string{"charges/:token/capture", "payment_intents/:token/confirm", "payment_intents/:token/cancel", "invoices/:token/pay", "invoices/:token/finalize", "invoices/:token/void", "disputes/:token/close", "customers/:token/sources", "customers/:token/tax_ids"} {
		s = append(s, "POST /v1/"+x)
	}
	s = append(s, "GET /v1/balance", "GET /v1/balance/history", "GET /v1/events", "GET /v1/events/:token", "GET /v1/customers/:token/sources/:token", "DELETE /v1/customers/:token/sources/:token", "GET /v1/invoices/upcoming", "GET /v1/customers/search")
	apps["payments"] = s

	g := []string{"GET /", "GET /explore", "GET /help", "GET /users/sign_in", "POST /users/sign_in", "GET /api/v4/version", "GET /api/v4/user", "GET /search", "GET /dashboard/projects", "GET /dashboard/issues"}
	for _, x := range strings.Fields("issues merge_requests pipelines jobs branches tags commits milestones labels members snippets hooks environments deployments releases wikis") {
		g = append(g, "GET /api/v4/projects/:id/"+x, "GET /api/v4/projects/:id/"+x+"/:number", "POST /api/v4/projects/:id/"+x, "PUT /api/v4/projects/:id/"+x+"/:number")
	}
	g = append(g, "GET /api/v4/projects/:id/repository/commits/:sha", "GET /api/v4/projects/:id/repository/files/:file_name/raw", "GET /api/v4/projects/:id/repository/archive", "GET /api/v4/groups/:id/projects", "GET /api/v4/groups/:id/members/:user_id", "GET /:group/:project", "GET /:group/:project/-/issues/:number", "GET /:group/:project/-/merge_requests/:number", "GET /:group/:project/-/blob/:branch/:path...", "GET /:group/:project/-/tree/:branch/:path...", "GET /:group/:project/-/raw/:branch/:path...", "GET /uploads/-/system/user/avatar/:id/avatar.png", "GET /assets/application-:sha.js", "GET /assets/application-:sha.css")
	apps["forge"] = g

	o := []string{"GET /", "GET /:few_bucket", "PUT /:few_bucket", "HEAD /:few_bucket", "GET /:few_bucket/:key...", "PUT /:few_bucket/:key...", "HEAD /:few_bucket/:key...", "DELETE /:few_bucket/:key..."}
	apps["objects"] = o

	c := []string{"GET /wp-json/wp/v2/posts", "GET /wp-json/wp/v2/posts/:id", "GET /wp-json/wp/v2/pages/:id", "GET /wp-json/wp/v2/media/:id", "POST /wp-json/wp/v2/comments", "POST /wp-admin/admin-ajax.php", "GET /wp-login.php", "GET /", "GET /feed", "GET /:locale/blog/:slug", "GET /:locale/category/:few_cat", "GET /:locale/tag/:few_tag", "GET /:locale/author/:few_author", "GET /:locale", "GET /:locale/contact", "GET /:locale/about", "GET /:locale/search", "GET /wp-content/uploads/2026/:number/:file.jpg", "GET /wp-content/uploads/2026/:number/:file.png", "GET /wp-includes/js/jquery/jquery.min.js", "GET /sitemap-:number.xml", "GET /product/:slug", "GET /shop/page/:number", "POST /cart", "GET /cart", "GET /checkout", "GET /my-account/orders", "GET /my-account/view-order/:id"}
	apps["magazine"] = c

	e := []string{"GET /_cluster/health", "GET /_cat/indices", "GET /_cat/nodes", "POST /_bulk", "GET /_nodes/stats", "POST /_search/scroll", "GET /:few_index", "PUT /:few_index", "DELETE /:few_index", "POST /:few_index/_search", "GET /:few_index/_mapping", "PUT /:few_index/_mapping", "GET /:few_index/_doc/:token", "PUT /:few_index/_doc/:token", "DELETE /:few_index/_doc/:token", "POST /:few_index/_update/:token", "POST /:few_index/_bulk", "GET /:few_index/_count", "POST /:few_index/_refresh", "GET /_template/:few_template", "PUT /_template/:few_template", "GET /_snapshot/:few_repo/:snapshot"}
	apps["index"] = e

	m := crud("/rest/api/2", "id", "issue project user group filter dashboard component version")
	for _, x := range strings.Fields("comment worklog transitions watchers votes attachments remotelink properties") {
		m = append(m, "GET /rest/api/2/issue/:key/"+x, "POST /rest/api/2/issue/:key/"+x)
	}
	m = append(m, "GET /rest/api/2/issue/:key/comment/:id", "GET /rest/api/2/search", "POST /rest/api/2/search", "GET /rest/api/2/myself", "GET /rest/agile/1.0/board/:id/sprint", "GET /rest/agile/1.0/board/:id/backlog", "GET /rest/agile/1.0/sprint/:id/issue", "GET /browse/:key", "GET /secure/Dashboard.jspa", "GET /secure/attachment/:id/:file_name", "GET /images/icons/priorities/:few_icon.svg", "GET /avatar/:user/:size")
	apps["tracker"] = m

	v := []string{"GET /", "GET /watch/:token", "GET /hls/:token/master.m3u8", "GET /hls/:token/seg-:number.ts", "GET /thumbs/:sha_:number.webp", "GET /channel/:slug", "GET /channel/:slug/videos", "GET /channel/:slug/about", "POST /api/v3/videos/:token/like",
		"DELETE /api/v3/videos/:token/like", "GET /api/v3/videos/:token/comments", "POST /api/v3/videos/:token/comments", "GET /api/v3/feed", "GET /api/v3/trending/:period", "GET /embed/:token", "GET /playlist/:uuid", "POST /api/v3/events", "GET /search", "GET /s/player/:sha/base.js", "GET /s/player/:sha/player.css"}
	apps["video"] = v

	t := []string{"GET /:locale", "GET /:locale/hotels/:few_city", "GET /:locale/hotels/:few_city/:slug-h:number.html", "GET /:locale/flights/:few_from/:few_to/:date", "GET /:locale/deals", "GET /:locale/help", "GET /:locale/help/:slug", "GET /:locale/account/trips", "GET /:locale/account/trips/:uuid", "POST /:locale/booking/:uuid/pay", "GET /:locale/booking/:uuid/confirm",
		"GET /api/v1/rates/:number/:date", "GET /api/v1/suggest", "GET /api/v1/currencies", "GET /robots.txt", "GET /sitemap-:locale-:number.xml", "GET /img/hotels/:size/:number.jpg", "GET /static/js/main.:sha.js", "GET /static/css/main.:sha.css", "GET /favicon.ico"}
	apps["travel"] = t

	var h []string
	for _, f := range strings.Fields("chat conversations users files reactions pins team search dnd emoji") {
		for _, m := range strings.Fields("list info create update delete") {
			h = append(h, "POST /api/"+f+"."+m)
		}
	}
	h = append(h, "GET /archives/:few_channel/p:number", "GET /files-pri/:team_token-:token/download/:file.png", "GET /team/:user", "GET /client/:few_team/:few_channel", "GET /avatar/:sha-:number.jpg")
	apps["chat"] = h
	return apps
}

// TestUnseenApplications holds what was learnt of applications of other shapes, at two sizes of log. Their
// truth knows no harmless choices: spelt-out locales count as wrong.
func TestUnseenApplications(t *testing.T) {
	apps := unseenApps()
	var names []string
	for n := range apps {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, size := range []int{3_000, 60_000} {
		sum := 0.0
		for i, n := range names {
			s, _ := scoreApp(uint64(i)+11, apps[n], size)
			t.Logf("%5d requests: %-9s ga %.4f templates %d/%d", size, n, s.ga, s.templates, s.routes)
			sum += s.ga
			if s.ga < 0.85 {
				t.Errorf("%d requests: %s: ga %.4f, want at least .85", size, n, s.ga)
			}
		}
		if mean := sum / float64(len(names)); mean < 0.97 {
			t.Errorf("%d requests: mean ga %.4f, want at least .97", size, mean)
		}
	}
}
