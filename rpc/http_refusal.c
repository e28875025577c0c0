#include "rpc/http_refusal.h"

#include <string.h>

#include "rpc/errors.h"

const char *http_reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 204:
		return "No Content";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 411:
		return "Length Required";
	case 413:
		return "Content Too Large";
	case 414:
		return "URI Too Long";
	case 415:
		return "Unsupported Media Type";
	case 417:
		return "Expectation Failed";
	case 429:
		return "Too Many Requests";
	case 431:
		return "Request Header Fields Too Large";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	}
	return "Error";
}

const char *http_refusal_text(struct arena *a, const struct http_refusal *r)
{
	enum rpc_error_code code = r->status == 400 || r->status == 505   ? RPC_PARSE_ERROR
				   : r->status == 401 || r->status == 403 ? RPC_FORBIDDEN
				   : r->status == 429 || r->status == 503 ? RPC_BUSY
									  : RPC_INVALID_REQUEST;
	const char *kind = code == RPC_PARSE_ERROR ? "parse_error"
			   : code == RPC_FORBIDDEN ? "forbidden"
			   : code == RPC_BUSY      ? "busy"
						   : "invalid_request";
	json_t *body = json_object_in(a);
	const char *text;

	json_set_str(body, "jsonrpc", "2.0");
	json_set_str(body, "id", NULL);
	json_set(body, "error", rpc_refusal_json(a, code, kind, r->why, r->hint));
	text = json_text(a, body);
	return arena_printf(a,
			    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
			    "Connection: close\r\n%s\r\n%s\n",
			    r->status, http_reason(r->status), strlen(text) + 1, r->headers ? r->headers : "", text);
}
