#include "rpc/walletctl/qr.h"

#include <ctype.h>
#include <errno.h>
#include <qrencode.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define QUIET 4 /* modules of margin, ISO/IEC 18004 */

/* --- what to show --- */

static bool is_invoice(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p))
			return false;
	return strncasecmp(text, "ln", 2) == 0;
}

/* Capitals make a smaller code: it has a mode for them. */
static const char *uri_of(struct arena *a, const char *scheme, const char *what)
{
	char *uri = arena_printf(a, "%s:%s", scheme, what);

	for (char *p = uri; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return uri;
}

/* As address.new gives them out: bech32, which may be written in capitals too (BIP173). */
static bool is_address(const json_t *result, const char *text)
{
	const char *rail = json_string_value(json_object_get(result, "rail"));

	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p))
			return false;
	return rail && strcmp(rail, "onchain") == 0 &&
	       (text_starts(text, "bc1") || text_starts(text, "tb1") || text_starts(text, "bcrt1"));
}

const char *qr_payload(struct arena *a, const json_t *result, const char **ret_text)
{
	const json_t *inner = json_object_get(result, "result");
	const char *request = json_string_value(json_object_get(result, "request"));
	const char *token = json_string_value(json_object_get(result, "token"));
	const char *address = json_string_value(json_object_get(result, "address"));

	/* What goes into a code is taken from a peer, and then into somebody else's wallet: nothing but what it should be. */
	if (request && is_invoice(request)) {
		*ret_text = request;
		return uri_of(a, "LIGHTNING", request);
	}
	if (request && text_starts(request, "creqA") && text_printable_ascii(request)) {
		*ret_text = request;
		return request;
	}
	if (token && text_starts(token, "cashu") && text_printable_ascii(token)) {
		*ret_text = token;
		return token;
	}
	if (address && is_address(result, address)) {
		*ret_text = address;
		return uri_of(a, "BITCOIN", address);
	}
	return inner ? qr_payload(a, inner, ret_text) : NULL;
}

/* --- drawing --- */

/* Light modules are drawn, dark ones left out, as most terminals are dark. */
static bool is_light(const QRcode *code, int x, int y)
{
	if (x < 0 || y < 0 || x >= code->width || y >= code->width)
		return y < code->width + QUIET; /* the last row of characters may hang over the edge */
	return (code->data[y * code->width + x] & 1) == 0;
}

static void add_row(struct buf *to, const QRcode *code, int y, bool colours)
{
	static const char *const blocks[2][2] = { { " ", "\u2584" }, { "\u2580", "\u2588" } };

	buf_text_add(to, colours ? "\033[97;40m" : "");
	for (int x = -QUIET; x < code->width + QUIET; x++)
		buf_text_add(to, blocks[is_light(code, x, y)][is_light(code, x, y + 1)]);
	buf_text_add(to, colours ? "\033[0m\n" : "\n");
}

bool qr_add(struct buf *to, const char *text, bool colours, unsigned max_columns)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	bool fits;

	if (!code && errno == ENOMEM)
		err_fatal("out of memory");
	if (!code)
		return false;
	fits = max_columns == 0 || (unsigned)code->width + 2 * QUIET <= max_columns;
	for (int y = -QUIET; fits && y < code->width + QUIET; y += 2)
		add_row(to, code, y, colours);
	QRcode_free(code);
	return fits;
}
