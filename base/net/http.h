/* base/net/http.h - sends one struct net_request and brings exactly one struct net_reply, over one libcurl multi handle
 * that the loop drives.  Implements the transport classes of spec/cashu.md 2.3.
 *
 * ANSWERED: a whole HTTP reply arrived, whatever its status.  NOT_SENT: certainly no byte of the request left (name,
 * connect, TLS or proxy failure, or a request that could not even start).  UNKNOWN: anything else, and whenever in doubt.
 * Redirects are not followed, nothing is decompressed, cookies and environment proxies do not exist, TLS is verified,
 * only http and https are spoken.  Replies are hostile: headers and body are capped while they stream in, and the
 * deadline covers the whole exchange however busily the peer drips.
 * A request with changes_state leaves at most once, over a connection of its own.  libcurl silently sends a request again when a
 * reused connection dies under it, and also on a fresh one when an HTTP/2 stream is refused (REFUSED_STREAM, or a GOAWAY that
 * does not count it) or HTTP/1.1 is demanded: there the second try is stopped before it writes, and the outcome is UNKNOWN.
 * Errors: ERR_CONFIG (proxy, ca_file), ERR_INTERNAL. */
#ifndef BASE_NET_HTTP_H
#define BASE_NET_HTTP_H

#include <stddef.h>

#include "base/http_msg.h"
#include "base/net/loop.h"

struct http;
struct http_call;

struct http_options {
	const char *proxy;      /* socks5h://[user:password@]host:port, or NULL for none; not used for unix sockets */
	const char *user_agent; /* NULL: none is sent */
	const char *ca_file;    /* PEM bundle instead of the system's, or NULL */
	int64_t connect_timeout_ms; /* 0 means 10 s */
	int max_total;              /* connections; 0 means 64 */
	int max_per_host;           /* 0 means 16; more calls wait, and their deadline runs */
};

/* Options are copied.  loop must outlive http. */
MUST_CHECK int http_new(struct loop *loop, const struct http_options *opts, struct http **ret, struct err *err);
/* Cancels every call. */
void http_free(struct http *http);
/* For calls submitted from now on.  NULL: none.  On failure the old one stays. */
MUST_CHECK int http_set_proxy(struct http *http, const char *proxy, struct err *err);

/* Start an exchange.  req and all it points to is copied and needed only until this returns.
 * done(ctx, reply) runs exactly once, from the end of a turn (a loop post), never from inside http_submit() or
 * http_cancel(); the reply's memory and the handle are gone when it returns.  A request that is refused or cannot start
 * (bad method, URL or header, control characters) also comes back that way, as NOT_SENT.  done may submit, cancel other
 * calls and stop the loop, but not free http.  Never returns NULL. */
struct http_call *http_submit(struct http *http, const struct net_request *req,
			      void (*done)(void *ctx, const struct net_reply *reply), void *ctx);
/* Its callback will not run, and the handle is gone.  Not for a call whose callback is running or has run.
 * Whether a byte had left is then not known: treat it as UNKNOWN. */
void http_cancel(struct http_call *call);

/* Calls whose callback is still to come. */
size_t http_in_flight(const struct http *http);

#endif
