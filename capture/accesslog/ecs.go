package accesslog

// ecsMap is for the Elastic Common Schema, keys nested or dotted. What @timestamp is depends on who wrote the line; that
// of a finished request is taken as its end, unless event.start says when it began. ECS before 1.6 wanted methods in
// small letters.
const ecsMap = `
	at=.event.start
	end=.event.end
	!stamp=.@timestamp
	duration=.event.duration:ns
	!verb=.http.request.method
	!url=.url.original
	!url=.url.full
	!path=.url.path
	query=.url.query
	host=.url.domain
	port=.url.port
	scheme=.url.scheme
	proto=.http.version
	status=.http.response.status_code
	resp_size=.http.response.body.bytes
	resp_wire=.http.response.bytes
	body_size=.http.request.body.bytes
	client=.client.ip
	client=.source.ip
	client=.client.address
	client=.source.address
	user=.user.name
	tls=.tls.version
	header.User-Agent=.user_agent.original
	header.Referer=.http.request.referrer`
