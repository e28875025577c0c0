#include "rails/cashu/mint_url.h"

#include <string.h>

#include "base/text.h"

static int bad(struct err *err, const char *what)
{
	(void)ERR(err, ERR_PARAM, "not a mint URL: %s", what);
	return err_field(err, "mint");
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool unreserved(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || is_digit(c) || (c != '\0' && strchr("-._~", c) != NULL);
}

/* Labels of letters, digits, '-' and '_', none empty; or an IPv6 address in brackets, left to the resolver. */
static bool host_valid(const char *host, size_t n)
{
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		for (size_t i = 1; i < n - 1; i++)
			if (!is_hex(host[i]) && host[i] != ':' && host[i] != '.')
				return false;
		return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (host[i] == '.' && (i == 0 || i == n - 1 || host[i - 1] == '.'))
			return false;
		if (host[i] == '~' || !unreserved(host[i]))
			return false;
	}
	return n > 0;
}

/* What curl would change or trip over has no place in a mint's one spelling. */
static int check_path(const char *path, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		if (path[i] == '%' && (i + 2 >= n || !is_hex(path[i + 1]) || !is_hex(path[i + 2])))
			return bad(err, "a '%' in the path that is not followed by two hex digits");
		if (!unreserved(path[i]) && strchr("/%!$&'()*+,;=:", path[i]) == NULL)
			return bad(err, "a character in the path that must be percent-encoded");
		if (path[i] == '/' && path[i + 1] == '.') {
			size_t dots = path[i + 2] == '.' ? 2 : 1;

			if (i + 1 + dots == n || path[i + 1 + dots] == '/')
				return bad(err, "'.' or '..' in the path");
		}
	}
	return 0;
}

/* Split "host", "host:port", "[v6]:port".  The port may be missing: *ret_port is then 0. */
static int split_authority(const char *at, size_t n, size_t *ret_host, unsigned *ret_port, struct err *err)
{
	size_t host = n;
	uint64_t port;
	char digits[6];

	for (size_t i = n; i > 0 && at[i - 1] != ']'; i--)
		if (at[i - 1] == ':')
			host = i - 1;
	if (!host_valid(at, host))
		return bad(err, "its host name is not valid");
	*ret_host = host;
	*ret_port = 0;
	if (host == n)
		return 0;
	if (n - host - 1 >= sizeof(digits))
		return bad(err, "its port is not 1 to 65535");
	memcpy(digits, at + host + 1, n - host - 1);
	digits[n - host - 1] = '\0';
	if (!parse_u64(digits, 65535, &port) || port == 0)
		return bad(err, "its port is not 1 to 65535");
	*ret_port = (unsigned)port;
	return 0;
}

int mint_url_normalise(const char *text, char ret[MINT_URL_MAX + 1], struct err *err)
{
	/* 1024: room to trim; what is left may have MINT_URL_MAX. */
	size_t n = strnlen(text, 1024 + 1), authority, host = 0, path;
	char url[MINT_URL_MAX + 1];
	unsigned port;
	bool https;

	if (n > 1024)
		return bad(err, "too long");
	for (; n > 0 && is_space(text[0]); n--)
		text++;
	while (n > 0 && is_space(text[n - 1]))
		n--;
	while (n > 0 && text[n - 1] == '/')
		n--;
	if (n > MINT_URL_MAX)
		return bad(err, "too long");
	memcpy(url, text, n);
	url[n] = '\0';
	for (size_t i = 0; i < n && url[i] != ':'; i++)
		url[i] = lower(url[i]);
	https = text_starts(url, "https://");
	if (!https && !text_starts(url, "http://"))
		return bad(err, "it must begin with https:// or http://");
	if (strpbrk(url, "?#") != NULL)
		return bad(err, "it has a query or a fragment");
	authority = https ? 8 : 7;
	for (path = authority; path < n && url[path] != '/'; path++)
		url[path] = lower(url[path]);
	if (memchr(url + authority, '@', path - authority) != NULL)
		return bad(err, "it carries a user name");
	if (split_authority(url + authority, path - authority, &host, &port, err) != 0 ||
	    check_path(url + path, n - path, err) != 0)
		return -1;
	if (port == (https ? 443u : 80u)) {
		memmove(url + authority + host, url + path, n - path + 1);
		n -= path - authority - host;
	}
	memcpy(ret, url, n + 1);
	return 0;
}

char *mint_url_join(struct arena *a, const char *mint, const char *path)
{
	return arena_printf(a, "%s%s", mint, path);
}

char *mint_url_join_segment(struct arena *a, const char *mint, const char *path, const char *segment)
{
	static const char hex[] = "0123456789ABCDEF";
	char *to = arena_alloc(a, 3 * strlen(segment) + 1), *p = to;

	for (; *segment != '\0'; segment++) {
		uint8_t c = (uint8_t)*segment;

		if (unreserved(*segment)) {
			*p++ = *segment;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	*p = '\0';
	return arena_printf(a, "%s%s%s", mint, path, to);
}
