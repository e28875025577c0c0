/* tests/support/http_peer.h - a scripted HTTP/1.1 server on loopback or a unix socket, in the loop of the test.
 *
 * It answers each path as its script says: late, in drips, cut short, with garbage, not at all, and counts what it was
 * asked.  A path without a script gets 404.  Broken set-up aborts. */
#ifndef TESTS_SUPPORT_HTTP_PEER_H
#define TESTS_SUPPORT_HTTP_PEER_H

#include "base/buf.h"
#include "base/net/loop.h"

struct http_peer;

/* What happens to the connection when the reply is out. */
enum peer_end {
	PEER_KEEP = 0, /* kept for the next request */
	PEER_CLOSE,
	PEER_RESET
};

/* Texts are borrowed and must outlive the peer. */
struct peer_script {
	const char *path;    /* exact, with its query */
	int status;          /* 0 means 200 */
	const char *headers; /* further header lines, each ending in CRLF, or NULL */
	const char *body;    /* or NULL: empty */
	size_t body_n;       /* how long it is, when it is no text; 0: strlen() */
	size_t filler;       /* this many times 'x' instead of body */
	const char *raw;     /* exact bytes instead of all that; "" with PEER_KEEP never answers */
	int64_t delay_ms;    /* before the reply */
	int64_t drip_ms;     /* one byte each so often, when not 0 */
	size_t cut;          /* only this many bytes of the reply, when not 0 */
	enum peer_end end;
};

/* The request that was read last; valid until the next. */
struct peer_request {
	const char *method, *path;
	const char *head; /* request line and headers as they came */
	struct bytes body;
};

/* Listens on 127.0.0.1, any port, or on unix_path. */
struct http_peer *http_peer_new(struct loop *loop, const char *unix_path);
void http_peer_free(struct http_peer *p);
/* Add or replace the script of a path. */
void http_peer_on(struct http_peer *p, const struct peer_script *script);
/* From now on fn says what every request gets, and scripts are not looked for.  What it returns, and its texts, must last
 * until the reply is out. */
void http_peer_answer(struct http_peer *p, const struct peer_script *(*fn)(void *ctx, const struct peer_request *asked),
		      void *ctx);
/* From now on connections are accepted, never read from, and reset so long (> 0) afterwards. */
void http_peer_drop_unread(struct http_peer *p, int64_t after_ms);

int http_peer_port(const struct http_peer *p);
const char *http_peer_url(struct http_peer *p, const char *path);         /* lives as long as the peer */
unsigned http_peer_connections(const struct http_peer *p);                /* accepted so far */
unsigned http_peer_requests(const struct http_peer *p, const char *path); /* whole ones read so far; NULL: all */
const struct peer_request *http_peer_last(const struct http_peer *p);

#endif
