/* libcurl does the protocol, libevent says when a socket is ready, and this file joins them: libcurl tells which sockets
 * to watch (on_curl_socket) and when to be woken (on_curl_timer).  No caller's code runs inside a libcurl callback:
 * what has ended is settled after libcurl returned and delivered from a post.
 *
 * Was any byte of the request sent?  libcurl calls the "prereq" hook when the connection stands (name, proxy and TLS
 * included) and before it writes the request: a call that never got there has certainly sent nothing. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <curl/curl.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/net/http.h"
#include "base/text.h"

#define DEFAULT_CONNECT_MS   10000
#define DEFAULT_TIMEOUT_MS   30000
#define DEFAULT_MAX_TOTAL    64
#define DEFAULT_MAX_PER_HOST 16
#define DEFAULT_MAX_REPLY    ((size_t)8 * 1024 * 1024)
#define REPLY_HEAD_MAX       ((size_t)64 * 1024)
#define REQUEST_HEADER_MAX   ((size_t)16 * 1024)
#define RETRY_AFTER_MAX_S    86400

/* A socket that libcurl wants to be watched. */
struct watch {
	struct event *ev;
	LIST_ENTRY(watch) link;
};

struct http {
	struct loop *loop;
	CURLM *multi;
	struct timer *timer; /* libcurl's one */
	struct log log;
	char *proxy, *user_agent, *ca_file; /* proxy: "" when none */
	long connect_timeout_ms;
	size_t in_flight;
	LIST_HEAD(call_list, http_call) calls;
	LIST_HEAD(watch_list, watch) watches;
	struct metric *answered, *not_sent, *unknown, *cancelled, *duration, *gauge;
};

struct http_call {
	struct http *http;
	CURL *easy;
	bool in_multi;
	bool began; /* the request may have begun to leave */
	bool once;  /* and must not leave again */
	struct curl_slist *headers;
	struct buf sent, got; /* the two bodies */
	size_t head_n;        /* bytes of reply headers seen */
	struct timer *deadline;
	int64_t start_us, timeout_ms;
	char curl_error[CURL_ERROR_SIZE];
	char why[64]; /* we stopped it, and this is why; or "" */
	struct net_reply reply;
	void (*done)(void *ctx, const struct net_reply *reply);
	void *ctx;
	LIST_ENTRY(http_call) link;
};

static void call_free(struct http_call *call)
{
	struct http *http = call->http;

	if (call->in_multi)
		curl_multi_remove_handle(http->multi, call->easy);
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	buf_done(&call->sent);
	buf_done(&call->got);
	timer_free(call->deadline);
	free(call);
}

static void call_unlist(struct http_call *call)
{
	LIST_REMOVE(call, link);
	call->http->in_flight--;
	metric_set(call->http->gauge, (int64_t)call->http->in_flight);
}

/* Text of libcurl may quote the peer. */
static void set_detail(struct net_reply *reply, const char *text)
{
	size_t n = strnlen(text, sizeof(reply->detail) - 1);

	for (size_t i = 0; i < n; i++)
		reply->detail[i] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?';
	reply->detail[n] = '\0';
}

static void not_answered(struct net_reply *reply, enum net_outcome outcome, const char *detail)
{
	*reply = (struct net_reply){ .outcome = outcome };
	set_detail(reply, detail);
}

static void deliver(void *arg)
{
	struct http_call *call = arg;
	struct http *http = call->http;
	struct net_reply *reply = &call->reply;

	if (reply->outcome == NET_ANSWERED && FAILPOINT("net.reply"))
		not_answered(reply, NET_UNKNOWN, "failpoint net.reply");
	switch (reply->outcome) {
	case NET_ANSWERED:
		metric_inc(http->answered);
		break;
	case NET_NOT_SENT:
		metric_inc(http->not_sent);
		break;
	case NET_UNKNOWN:
		metric_inc(http->unknown);
		break;
	}
	metric_observe(http->duration, (uint64_t)(clock_mono_us() - call->start_us));
	call_unlist(call);
	call->done(call->ctx, reply);
	call_free(call);
}

/* The outcome is known: nothing more happens on the wire, and the callback is due. */
static void settle(struct http_call *call)
{
	timer_stop(call->deadline);
	if (call->in_multi) {
		curl_multi_remove_handle(call->http->multi, call->easy);
		call->in_multi = false;
	}
	loop_post(call->http->loop, deliver, call);
}

static void settle_refused(struct http_call *call, const char *why)
{
	not_answered(&call->reply, NET_NOT_SENT, why);
	settle(call);
}

static void settle_failed(struct http_call *call, const char *why)
{
	long sent = 0;
	bool counted = curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &sent) == CURLE_OK;

	not_answered(&call->reply, !call->began && counted && sent == 0 ? NET_NOT_SENT : NET_UNKNOWN, why);
	settle(call);
}

static void settle_ended(struct http_call *call, CURLcode code)
{
	long status = 0;
	char *type = NULL;
	bool told = curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
		    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK;

	if (code != CURLE_OK) {
		const char *text = call->curl_error[0] != '\0' ? call->curl_error : curl_easy_strerror(code);

		settle_failed(call, call->why[0] != '\0' ? call->why : text);
		return;
	}
	if (!told || status < 200) {
		settle_failed(call, "no final status");
		return;
	}
	call->reply.outcome = NET_ANSWERED;
	call->reply.status = (int)status;
	call->reply.body = (struct bytes){ (const uint8_t *)buf_text(&call->got), call->got.n }; /* "" when empty */
	call->reply.content_type = type != NULL ? type : "";
	settle(call);
}

static void on_deadline(void *arg)
{
	struct http_call *call = arg;
	char why[64];

	snprintf(why, sizeof(why), "no whole reply within %lld ms", (long long)call->timeout_ms);
	settle_failed(call, why);
}

/* What libcurl calls.  None of these may call libcurl back, except on_curl_socket() for curl_multi_assign(). */

static int on_connected(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct http_call *call = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	/* A peer that refuses a stream promises that it has not looked at it.  That is a peer's word, and money hangs on it. */
	if (call->began && call->once) {
		snprintf(call->why, sizeof(call->why), "the connection or its stream was refused");
		return CURL_PREREQFUNC_ABORT;
	}
	call->began = true;
	return CURL_PREREQFUNC_OK;
}

static size_t on_body(char *p, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;

	buf_add(&call->got, p, size * count);
	if (buf_ok(&call->got))
		return size * count;
	snprintf(call->why, sizeof(call->why), "reply larger than %zu bytes", call->got.cap);
	return 0;
}

/* Has this line of a head, or of trailers, that name (with its colon)?  Its value, cut to fit. */
static bool header_value(struct bytes line, const char *name, char *ret, size_t size)
{
	size_t from = strlen(name), n = line.n;

	if (n < from || strncasecmp((const char *)line.p, name, from) != 0)
		return false;
	while (from < n && (line.p[from] == ' ' || line.p[from] == '\t'))
		from++;
	while (n > from && strchr(" \t\r\n", line.p[n - 1]) != NULL)
		n--;
	n = n - from < size ? n - from : size - 1;
	memcpy(ret, line.p + from, n);
	ret[n] = '\0';
	return true;
}

/* A number of seconds; the other form, a date, would need the peer's clock. */
static int retry_after(struct bytes line)
{
	char value[24];
	uint64_t s = 0;

	if (!header_value(line, "Retry-After:", value, sizeof(value)) || !parse_u64(value, UINT64_MAX, &s))
		return 0;
	return (int)(s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S);
}

/* gRPC's status stands behind the body, or in the head where there is none. */
static void grpc_read(struct bytes line, struct net_reply *reply)
{
	char value[12];
	uint64_t status;

	header_value(line, "grpc-message:", reply->grpc_message, sizeof(reply->grpc_message));
	if (!header_value(line, "grpc-status:", value, sizeof(value)))
		return;
	reply->has_grpc_status = parse_u64(value, INT_MAX, &status);
	reply->grpc_status = reply->has_grpc_status ? (int)status : 0;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
	struct http_call *call = arg;
	size_t n = size * count;
	struct bytes line = { (const uint8_t *)p, n };
	int s;

	call->head_n += n; /* over all interim replies too: a peer could send 100 Continue for ever */
	if (call->head_n > REPLY_HEAD_MAX) {
		snprintf(call->why, sizeof(call->why), "reply headers larger than %zu bytes", REPLY_HEAD_MAX);
		return 0;
	}
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		call->reply.retry_after_s = 0;
		call->reply.has_grpc_status = false;
	}
	s = retry_after(line);
	if (s != 0)
		call->reply.retry_after_s = s;
	grpc_read(line, &call->reply);
	return n;
}

static void reap(struct http *http, CURLMcode rc)
{
	CURLMsg *msg;
	int left;

	/* Then some call makes no progress, and its deadline ends it. */
	if (rc != CURLM_OK)
		log_debug(&http->log, "net.multi", F_STR("error", curl_multi_strerror(rc)));
	while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		char *call = NULL;

		if (msg->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &call) == CURLE_OK)
			settle_ended((struct http_call *)(void *)call, code);
	}
}

static void on_timer(void *arg)
{
	struct http *http = arg;
	int running;

	reap(http, curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running));
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct http *http = arg;
	int mask = ((what & EV_READ) != 0 ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) != 0 ? CURL_CSELECT_OUT : 0);
	int running;

	reap(http, curl_multi_socket_action(http->multi, fd, mask, &running));
}

static int on_curl_timer(CURLM *multi, long ms, void *arg)
{
	struct http *http = arg;

	(void)multi;
	if (ms < 0)
		timer_stop(http->timer);
	else
		timer_start(http->timer, ms);
	return 0;
}

static void watch_free(struct watch *w)
{
	LIST_REMOVE(w, link);
	event_free(w->ev);
	free(w);
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *of_socket)
{
	struct http *http = arg;
	struct watch *w = of_socket;
	short events = EV_PERSIST;
	struct event *ev;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			watch_free(w);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EV_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EV_WRITE;
	ev = event_new(loop_base(http->loop), fd, events, on_ready, http);
	if (ev == NULL)
		abort();
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL)
			abort();
		LIST_INSERT_HEAD(&http->watches, w, link);
		curl_multi_assign(http->multi, fd, w);
	} else {
		event_free(w->ev);
	}
	w->ev = ev;
	return event_add(ev, NULL) == 0 ? 0 : -1; /* -1: libcurl ends the transfers */
}

/* Why a request cannot be sent as it is, or NULL. */
static const char *refusal(const struct net_request *req)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	bool post = strcmp(req->method, "POST") == 0;

	if (!post && strcmp(req->method, "GET") != 0)
		return "method is neither GET nor POST";
	if (!post && req->body.n > 0)
		return "a GET cannot have a body";
	if (!text_starts(req->url, "http://") && !text_starts(req->url, "https://"))
		return "URL is neither http:// nor https://";
	if (!text_printable_ascii(req->url) || strchr(req->url, ' ') != NULL)
		return "URL holds a space, a control character or a letter that is not ASCII";
	if (req->content_type != NULL && !text_printable_ascii(req->content_type))
		return "content type holds a control character";
	if (req->n_headers > NET_HEADERS_MAX)
		return "too many headers";
	for (size_t i = 0; i < req->n_headers; i++) {
		const struct http_header *h = &req->headers[i];

		if (h->name[0] == '\0' || h->name[strspn(h->name, token)] != '\0')
			return "bad header name";
		if (!text_printable_ascii(h->value))
			return "header value holds a control character";
	}
	return NULL;
}

static bool add_header(struct http_call *call, const char *name, const char *value)
{
	SCOPED(buf) struct buf line = BUF_CAP(REQUEST_HEADER_MAX);
	struct curl_slist *more;

	if (value == NULL) /* libcurl's way to say: not this header of yours */
		buf_printf(&line, "%s:", name);
	else if (value[0] == '\0') /* and this to send an empty one */
		buf_printf(&line, "%s;", name);
	else
		buf_printf(&line, "%s: %s", name, value);
	if (!buf_ok(&line))
		return false;
	more = curl_slist_append(call->headers, buf_text(&line));
	if (more == NULL)
		abort();
	call->headers = more;
	return true;
}

static bool add_headers(struct http_call *call, const struct net_request *req)
{
	/* No "Expect: 100-continue": a peer that answers 417 would make libcurl send the request twice. */
	bool ok = add_header(call, "Expect", NULL) && add_header(call, "Content-Type", req->content_type);

	for (size_t i = 0; ok && i < req->n_headers; i++)
		ok = add_header(call, req->headers[i].name, req->headers[i].value);
	return ok;
}

static bool set_up(struct http_call *call, const struct net_request *req)
{
	struct http *http = call->http;
	bool post = strcmp(req->method, "POST") == 0;
	bool ok = true;
	CURL *e = curl_easy_init();

	if (e == NULL)
		abort();
	call->easy = e;
#define SET(option, value) ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK
	SET(CURLOPT_PRIVATE, call);
	SET(CURLOPT_ERRORBUFFER, call->curl_error);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_URL, req->url);
	SET(CURLOPT_UNIX_SOCKET_PATH, req->unix_socket);
	/* "" and not NULL: NULL asks the environment */
	SET(CURLOPT_PROXY, req->unix_socket == NULL && !req->direct ? http->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	SET(CURLOPT_USERAGENT, http->user_agent);
	SET(CURLOPT_HTTPHEADER, call->headers);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (req->ca_file != NULL || http->ca_file != NULL) {
		SET(CURLOPT_CAINFO, req->ca_file != NULL ? req->ca_file : http->ca_file);
		SET(CURLOPT_CAPATH, (char *)NULL); /* else the system's would be trusted beside it */
	}
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    req->connect_timeout_ms > 0 ? (long)req->connect_timeout_ms : http->connect_timeout_ms);
	/* A name server that does not answer must not hold the loop: ending a call would wait for its resolver thread. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, call);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, call);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, call);
	if (post) {
		buf_add_bytes(&call->sent, req->body);
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sent.n);
		SET(CURLOPT_POSTFIELDS, buf_text(&call->sent)); /* not copied: ours lives longer, and is wiped */
	}
	/* libcurl takes a reply for whole when it has so much, and what stands behind that is lost: the status. */
	SET(CURLOPT_IGNORE_CONTENT_LENGTH, req->grpc ? 1L : 0L);
	call->once = req->changes_state;
	if (req->changes_state) {
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_FORBID_REUSE, 1L);
		/* HTTP/2 brings nothing to a connection of one request; gRPC has nothing else. */
		SET(CURLOPT_HTTP_VERSION, (long)(req->grpc ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	} else {
		SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	}
#undef SET
	return ok;
}

struct http_call *http_submit(struct http *http, const struct net_request *req,
			      void (*done)(void *ctx, const struct net_reply *reply), void *ctx)
{
	struct http_call *call = calloc(1, sizeof(*call));
	const char *why;

	if (call == NULL)
		abort();
	call->http = http;
	call->sent = BUF_SECRET(req->body.n);
	call->got = BUF_CAP(req->max_reply > 0 ? req->max_reply : DEFAULT_MAX_REPLY);
	call->deadline = loop_timer(http->loop, on_deadline, call);
	call->start_us = clock_mono_us();
	call->timeout_ms = req->timeout_ms > 0 ? req->timeout_ms : DEFAULT_TIMEOUT_MS;
	call->done = done;
	call->ctx = ctx;
	LIST_INSERT_HEAD(&http->calls, call, link);
	http->in_flight++;
	metric_set(http->gauge, (int64_t)http->in_flight);

	why = refusal(req);
	if (why == NULL && !add_headers(call, req))
		why = "header too long";
	if (why == NULL && FAILPOINT("net.send"))
		why = "failpoint net.send";
	if (why == NULL && !set_up(call, req))
		why = "libcurl refuses the request";
	if (why == NULL && curl_multi_add_handle(http->multi, call->easy) != CURLM_OK)
		why = "libcurl cannot start the request";
	if (why != NULL) {
		settle_refused(call, why);
		return call;
	}
	call->in_multi = true;
	/* Not libcurl's own time-out: that one does not run while a call waits for a free connection. */
	timer_start(call->deadline, call->timeout_ms);
	return call;
}

void http_cancel(struct http_call *call)
{
	metric_inc(call->http->cancelled);
	loop_unpost(call->http->loop, deliver, call);
	call_unlist(call);
	call_free(call);
}

size_t http_in_flight(const struct http *http)
{
	return http->in_flight;
}

static char *must_dup(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		abort();
	return copy;
}

int http_set_proxy(struct http *http, const char *proxy, struct err *err)
{
	if (proxy == NULL)
		proxy = "";
	/* Only with socks5h does the proxy resolve the name: nothing about the peer leaks to the local name server. */
	if (proxy[0] != '\0' && (!text_starts(proxy, "socks5h://") || strlen(proxy) == strlen("socks5h://") ||
				 !text_printable_ascii(proxy) || strchr(proxy, ' ') != NULL))
		return ERR(err, ERR_CONFIG, "a proxy is written socks5h://host:port");
	free(http->proxy);
	http->proxy = must_dup(proxy);
	return 0;
}

static struct metric *outcome_counter(const char *labels)
{
	return metric_counter("walletd_net_requests_total", labels, "HTTP requests to peers by outcome.");
}

static bool multi_set_up(struct http *http, const struct http_options *opts)
{
	long total = opts->max_total > 0 ? opts->max_total : DEFAULT_MAX_TOTAL;
	long per_host = opts->max_per_host > 0 ? opts->max_per_host : DEFAULT_MAX_PER_HOST;
	bool ok = true;
	CURLM *m = curl_multi_init();

	if (m == NULL)
		abort();
	http->multi = m;
#define SET(option, value) ok = ok && curl_multi_setopt(m, option, value) == CURLM_OK
	SET(CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	SET(CURLMOPT_SOCKETDATA, http);
	SET(CURLMOPT_TIMERFUNCTION, on_curl_timer);
	SET(CURLMOPT_TIMERDATA, http);
	SET(CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
	SET(CURLMOPT_MAX_HOST_CONNECTIONS, per_host);
#undef SET
	return ok;
}

int http_new(struct loop *loop, const struct http_options *opts, struct http **ret, struct err *err)
{
	struct http *http;

	if (opts->ca_file != NULL && access(opts->ca_file, R_OK) != 0)
		return ERR(err, ERR_CONFIG, "cannot read the CA file %s", opts->ca_file);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return ERR(err, ERR_INTERNAL, "libcurl does not start");
	http = calloc(1, sizeof(*http));
	if (http == NULL)
		abort();
	http->loop = loop;
	http->log = log_module("net");
	http->timer = loop_timer(loop, on_timer, http);
	http->user_agent = must_dup(opts->user_agent);
	http->ca_file = must_dup(opts->ca_file);
	http->connect_timeout_ms = opts->connect_timeout_ms > 0 ? (long)opts->connect_timeout_ms : DEFAULT_CONNECT_MS;
	http->answered = outcome_counter("outcome=\"answered\"");
	http->not_sent = outcome_counter("outcome=\"not_sent\"");
	http->unknown = outcome_counter("outcome=\"unknown\"");
	http->cancelled = outcome_counter("outcome=\"cancelled\"");
	http->duration = metric_duration("walletd_net_request_seconds", "",
					 "From submitting a request to its outcome.");
	http->gauge = metric_gauge("walletd_net_in_flight", "", "HTTP requests without an outcome yet.");
	if (!multi_set_up(http, opts)) {
		http_free(http);
		return ERR(err, ERR_INTERNAL, "libcurl lacks what is needed");
	}
	if (http_set_proxy(http, opts->proxy, err) != 0) {
		http_free(http);
		return -1;
	}
	*ret = http;
	return 0;
}

void http_free(struct http *http)
{
	if (http == NULL)
		return;
	while (!LIST_EMPTY(&http->calls))
		http_cancel(LIST_FIRST(&http->calls));
	curl_multi_cleanup(http->multi);
	while (!LIST_EMPTY(&http->watches))
		watch_free(LIST_FIRST(&http->watches));
	timer_free(http->timer);
	free(http->proxy);
	free(http->user_agent);
	free(http->ca_file);
	free(http);
	curl_global_cleanup();
}
