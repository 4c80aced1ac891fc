package accesslog

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"trafficreplay/capture"
)

// tomcatPage answers everything, as upstream does for the servers that are proxies.
const tomcatPage = `<%@ page session="false" %><%
String u = request.getRequestURI();
request.getInputStream().readAllBytes();
if (u.startsWith("/slow")) Thread.sleep(1500);
if (u.startsWith("/404")) response.setStatus(404);
if (u.startsWith("/304")) { response.setStatus(304); return; }
%>body`

const tomcatWeb = `<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
<servlet><servlet-name>jsp</servlet-name><servlet-class>org.apache.jasper.servlet.JspServlet</servlet-class></servlet>
<servlet><servlet-name>any</servlet-name><jsp-file>/any.jsp</jsp-file><load-on-startup>1</load-on-startup></servlet>
<servlet-mapping><servlet-name>any</servlet-name><url-pattern>/*</url-pattern></servlet-mapping></web-app>`

// TestTomcatServer: Tomcat is given as many valves as there are views. A page that is compiled at the start serves
// all requests, so that no Java compiler is needed.
func TestTomcatServer(t *testing.T) {
	java := program(t, "java")
	jars, err := filepath.Glob("/usr/share/java/tomcat10-*.jar")
	if err != nil || len(jars) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("Tomcat's jars are not installed, and .ci/deps should have installed them")
		}
		t.Skip("Tomcat's jars are not where Debian keeps them: its logs cannot be compared with what was sent")
	}
	compiler, _ := filepath.Glob("/usr/share/java/eclipse-jdt-core*.jar")
	dir := t.TempDir()
	addr := freeAddress(t)
	const us, end, start = time.Microsecond, capture.BasisEndMinusDuration, capture.BasisStart
	views := []*view{
		{name: "common", o: Options{Format: "common"}, basis: capture.BasisCompletion, clock: slowAnswer + time.Second},
		{name: "combined us", o: Options{Format: "tomcat", LogFormat: `%h %l %u %t "%r" %s %b "%{Referer}i" "%{User-Agent}i" %D`}, basis: end, unit: us, agent: true},
		{name: "s", o: Options{Format: "tomcat", LogFormat: `%{end:msec}t %T "%r" %s %B %S %I %{x}c %{x}r %{x}s`}, basis: end, unit: time.Second},
		{name: "ms", o: Options{Format: "tomcat", LogFormat: `%{yyyy-MM-dd'T'HH:mm:ss.SSSXXX}t %{ms}T %F "%r" %s "%{User-Agent}i"`}, basis: end, unit: time.Millisecond, agent: true},
		{name: "fraction", o: Options{Format: "tomcat", LogFormat: `%{dd/MMM/yyyy:HH:mm:ss Z}t.%{msec_frac}t %{fracsec}T %m %{Host}i "%r" %s %X`}, basis: end, unit: time.Millisecond, host: "shop.example"},
		{name: "documented", o: Options{LogFormat: documented(t, "<Valve ")}, basis: start, unit: us, agent: true, host: "shop.example"},
	}
	var valves strings.Builder
	for i, v := range views {
		pattern := v.o.LogFormat
		switch {
		case strings.HasPrefix(pattern, "<Valve"):
			_, pattern, _ = strings.Cut(pattern, `pattern="`)
			pattern = strings.TrimSuffix(strings.TrimSpace(pattern), `"/>`)
		case pattern == "":
			pattern = v.o.Format
		default:
			pattern = strings.ReplaceAll(pattern, `"`, "&quot;")
		}
		fmt.Fprintf(&valves, "<Valve className=\"org.apache.catalina.valves.AccessLogValve\" directory=%q prefix=\"%d\" suffix=\".log\" rotatable=\"false\" buffered=\"false\" pattern=\"%s\"/>\n", dir, i, pattern)
	}
	_, port, _ := strings.Cut(addr, ":")
	const relaxed = "relaxedPathChars='[]|{}^\\\"&lt;&gt;`' relaxedQueryChars='[]|{}^\\\"&lt;&gt;`'"
	for name, text := range map[string]string{
		"conf/server.xml": fmt.Sprintf("<Server port=\"-1\"><Service name=\"Catalina\"><Connector address=\"127.0.0.1\" port=%q protocol=\"HTTP/1.1\" %s/>\n"+
			"<Engine name=\"Catalina\" defaultHost=\"localhost\"><Host name=\"localhost\" appBase=\"webapps\" autoDeploy=\"false\">%s</Host></Engine></Service></Server>", port, relaxed, &valves),
		"conf/catalina.properties":     "common.loader=\nserver.loader=\nshared.loader=\ntomcat.util.scan.StandardJarScanFilter.jarsToSkip=*.jar\n",
		"webapps/ROOT/WEB-INF/web.xml": tomcatWeb,
		"webapps/ROOT/any.jsp":         tomcatPage,
		"temp/none":                    "",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stop := background(t, exec.Command(java, "-XX:TieredStopAtLevel=1", "-cp", strings.Join(append(jars, compiler...), ":"), "-Dcatalina.home="+dir,
		"-Dcatalina.base="+dir, "-Djava.io.tmpdir="+filepath.Join(dir, "temp"), "org.apache.catalina.startup.Bootstrap", "start"), addr, syscall.SIGTERM)
	cold := warm(t, addr)
	c := run(t, addr, exchanges())
	c.xs = append(c.xs, cold...)
	stop()
	for i, v := range views {
		v.lines = linesOf(t, filepath.Join(dir, fmt.Sprint(i, ".log")))
		v.check(t, c)
	}
	if p, note, err := Detect(views[0].lines, Options{}); err != nil || p.Name() != "apache-common" || !strings.Contains(note, "--format tomcat-common") {
		t.Errorf("Detect of common = %v, %q, %v, want apache-common and how to say that it is Tomcat's", p, note, err)
	}
}
