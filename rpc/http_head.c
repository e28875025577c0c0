#include "rpc/http_head.h"

#include <string.h>
#include <strings.h>

#define METHOD_MAX 20
#define TARGET_MAX 4096

static bool is_token_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* Another protocol's greeting is told so when its first line ends, not when our patience does. */
static bool first_line_is_foreign(struct bytes seen, size_t end)
{
	return !memchr(seen.p, '\n', end) && !memmem(seen.p, end, " HTTP/", 6);
}

long http_head_scan(struct bytes seen, size_t *at)
{
	for (size_t i = *at; i < seen.n; i++) {
		uint8_t c = seen.p[i];

		/* A request starts with a method: TLS, another protocol or plain JSON is told so at once. */
		if (i == 0 && !(c >= 'A' && c <= 'Z'))
			return -1;
		if (c == '\n') {
			if (seen.p[i - 1] != '\r' || first_line_is_foreign(seen, i))
				return -1;
			if (i >= 3 && seen.p[i - 2] == '\n') {
				*at = i + 1;
				return (long)(i + 1);
			}
		} else if (c != '\r' && c != '\t' && (c < 0x20 || c == 0x7f)) {
			return -1;
		} else if (i > 0 && seen.p[i - 1] == '\r') {
			return -1;
		}
	}
	*at = seen.n;
	return 0;
}

static bool is_text(struct bytes v, const char *text)
{
	return bytes_equal(v, bytes_of(text));
}

static bool is_text_nocase(struct bytes v, const char *text)
{
	return v.n == strlen(text) && strncasecmp((const char *)v.p, text, v.n) == 0;
}

/* Up to the character, which is taken away too.  False when it does not come. */
static bool cut(struct bytes *from, uint8_t at, struct bytes *ret)
{
	const uint8_t *p = from->n ? memchr(from->p, at, from->n) : NULL;

	if (!p)
		return false;
	*ret = (struct bytes){ from->p, (size_t)(p - from->p) };
	from->n -= ret->n + 1;
	from->p = p + 1;
	return true;
}

static struct bytes trim(struct bytes v)
{
	while (v.n && (v.p[0] == ' ' || v.p[0] == '\t')) {
		v.p++;
		v.n--;
	}
	while (v.n && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return v;
}

static int bad(int status, const char *what, const char **why)
{
	*why = what;
	return status;
}

static int parse_request_line(struct bytes line, struct http_head *ret, const char **why)
{
	struct bytes method, target;

	if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target))
		return bad(400, "the first line is no HTTP/1.1 request line", why);
	if (!is_text(line, "HTTP/1.1") && !is_text(line, "HTTP/1.0")) {
		if (line.n == 8 && memcmp(line.p, "HTTP/", 5) == 0)
			return bad(505, "only HTTP/1.1 and HTTP/1.0 are spoken here", why);
		return bad(400, "the first line is no HTTP/1.1 request line", why);
	}
	if (method.n == 0 || method.n > METHOD_MAX)
		return bad(400, "the method is no word", why);
	for (size_t i = 0; i < method.n; i++)
		if (method.p[i] < 'A' || method.p[i] > 'Z')
			return bad(400, "the method is no word", why);
	ret->method = is_text(method, "GET") ? HTTP_GET : is_text(method, "POST") ? HTTP_POST : HTTP_OTHER;
	if (target.n > TARGET_MAX)
		return bad(414, "the path is too long", why);
	if (target.n == 0 || target.p[0] != '/')
		return bad(400, "the target must be a path", why);
	for (size_t i = 0; i < target.n; i++)
		if (target.p[i] <= 0x20 || target.p[i] >= 0x7f || target.p[i] == '#')
			return bad(400, "the path holds a character that must be escaped", why);
	if (memmem(target.p, target.n, "%00", 3))
		return bad(400, "the path holds a NUL", why);
	ret->query = target;
	if (!cut(&ret->query, '?', &ret->path)) {
		ret->path = target;
		ret->query = (struct bytes){ target.p, 0 };
	}
	return 0;
}

/* Only the first may set it: two could be read in two ways. */
static int set_once(struct bytes *to, struct bytes value, const char *twice, const char **why)
{
	if (to->p)
		return bad(400, twice, why);
	*to = value;
	return 0;
}

static int parse_length(struct bytes value, struct http_head *ret, const char **why)
{
	uint64_t n = 0;

	if (ret->has_length)
		return bad(400, "Content-Length appears twice", why);
	if (value.n == 0 || value.n > 18)
		return bad(400, "Content-Length is no number", why);
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return bad(400, "Content-Length is no number", why);
		n = n * 10 + (uint64_t)(value.p[i] - '0');
	}
	ret->has_length = true;
	ret->length = n;
	return 0;
}

static int parse_header(struct bytes line, struct http_head *ret, bool *coded, const char **why)
{
	struct bytes name;

	if (line.n && (line.p[0] == ' ' || line.p[0] == '\t'))
		return bad(400, "a folded header line", why);
	if (!cut(&line, ':', &name) || name.n == 0)
		return bad(400, "a header line without a name", why);
	for (size_t i = 0; i < name.n; i++)
		if (!is_token_char(name.p[i]))
			return bad(400, "a header name holds a character that it may not", why);
	line = trim(line);
	if (is_text_nocase(name, "host"))
		return set_once(&ret->host, line, "Host appears twice", why);
	if (is_text_nocase(name, "content-type"))
		return set_once(&ret->content_type, line, "Content-Type appears twice", why);
	if (is_text_nocase(name, "authorization"))
		return set_once(&ret->authorization, line, "Authorization appears twice", why);
	if (is_text_nocase(name, "last-event-id"))
		return set_once(&ret->last_event_id, line, "Last-Event-ID appears twice", why);
	if (is_text_nocase(name, "content-length"))
		return parse_length(line, ret, why);
	if (is_text_nocase(name, "transfer-encoding"))
		*coded = true;
	if (is_text_nocase(name, "origin"))
		ret->has_origin = true;
	if (is_text_nocase(name, "expect")) {
		if (ret->expects_continue || !is_text_nocase(line, "100-continue"))
			return bad(417, "only 100-continue can be expected", why);
		ret->expects_continue = true;
	}
	return 0;
}

int http_head_parse(struct bytes head, struct http_head *ret, const char **why)
{
	struct http_head h = { .method = HTTP_OTHER };
	struct bytes line;
	bool coded = false;
	int status, n = 0;

	if (!cut(&head, '\r', &line))
		return bad(400, "the first line is no HTTP/1.1 request line", why);
	status = parse_request_line(line, &h, why);
	while (status == 0) {
		head = (struct bytes){ head.p + 1, head.n - 1 }; /* the LF: http_head_scan() saw it */
		if (!cut(&head, '\r', &line) || line.n == 0)
			break;
		if (++n > HTTP_HEADERS_MAX)
			return bad(431, "too many headers", why);
		status = parse_header(line, &h, &coded, why);
	}
	if (status != 0)
		return status;
	if (coded && h.has_length)
		return bad(400, "both Content-Length and Transfer-Encoding", why);
	if (coded)
		return bad(411, "a transfer encoding is not taken here: send Content-Length", why);
	if (h.method != HTTP_POST && h.length > 0)
		return bad(400, "only POST has a body here", why);
	*ret = h;
	return 0;
}
