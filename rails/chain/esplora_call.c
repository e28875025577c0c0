#include "rails/chain/esplora_call.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"

#define PATH_MAX_BYTES 256

static void get(const struct esplora_target *t, struct net_request *ret, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void get(const struct esplora_target *t, struct net_request *ret, const char *fmt, ...)
{
	char path[PATH_MAX_BYTES];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(path))
		err_fatal("a path of Esplora does not fit");
	*ret = (struct net_request){ .method = "GET",
				     .url = arena_printf(t->arena, "%s%s", t->base, path),
				     .timeout_ms = ESPLORA_TIMEOUT_MS,
				     .max_reply = ESPLORA_REPLY_MAX };
}

static void post(const struct esplora_target *t, const char *path, const char *type, const char *body,
		 struct net_request *ret)
{
	get(t, ret, "%s", path);
	ret->method = "POST";
	ret->content_type = type;
	ret->body = bytes_of(body);
}

/* --- blocks --- */

void esplora_ask_tip(const struct esplora_target *t, struct net_request *ret)
{
	get(t, ret, "/blocks/tip/hash");
}

void esplora_ask_block_hash(const struct esplora_target *t, uint32_t height, struct net_request *ret)
{
	get(t, ret, "/block-height/%u", height);
}

static void get_of_block(const struct esplora_target *t, const struct block_hash *hash, const char *what,
			 struct net_request *ret)
{
	char text[TXID_TEXT];

	block_hash_text(hash, text);
	get(t, ret, "/block/%s%s", text, what);
}

void esplora_ask_header(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret)
{
	get_of_block(t, hash, "", ret);
}

void esplora_ask_header_status(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret)
{
	get_of_block(t, hash, "/status", ret);
}

void esplora_ask_block(const struct esplora_target *t, const struct block_hash *hash, struct net_request *ret)
{
	get_of_block(t, hash, "/raw", ret);
	ret->max_reply = ESPLORA_BLOCK_MAX;
}

/* --- transactions and outputs --- */

static void get_of_tx(const struct esplora_target *t, const struct txid *txid, const char *what,
		      struct net_request *ret)
{
	char text[TXID_TEXT];

	txid_text(txid, text);
	get(t, ret, "/tx/%s%s", text, what);
}

void esplora_ask_tx(const struct esplora_target *t, const struct txid *txid, struct net_request *ret)
{
	get_of_tx(t, txid, "", ret);
}

void esplora_ask_raw_tx(const struct esplora_target *t, const struct txid *txid, struct net_request *ret)
{
	get_of_tx(t, txid, "/raw", ret);
}

void esplora_ask_outspend(const struct esplora_target *t, const struct outpoint *at, struct net_request *ret)
{
	char what[32];

	(void)snprintf(what, sizeof(what), "/outspend/%u", at->vout);
	get_of_tx(t, &at->txid, what, ret);
}

/* --- scripts --- */

/* The hash is not shown reversed, as others are. */
static void get_of_script(const struct esplora_target *t, struct bytes script, const char *what,
			  struct net_request *ret)
{
	struct hash32 h;
	char text[65];

	sha256(script, &h);
	hex_encode(h.b, sizeof(h.b), text);
	get(t, ret, "/scripthash/%s%s", text, what);
}

void esplora_ask_script(const struct esplora_target *t, struct bytes script, struct net_request *ret)
{
	get_of_script(t, script, "", ret);
}

void esplora_ask_history(const struct esplora_target *t, struct bytes script, const struct txid *after,
			 struct net_request *ret)
{
	static const char more[] = "/txs/chain/";
	char what[sizeof(more) - 1 + TXID_TEXT] = "/txs";
	char text[TXID_TEXT];

	if (after != NULL) {
		txid_text(after, text);
		(void)snprintf(what, sizeof(what), "%s%s", more, text);
	}
	get_of_script(t, script, what, ret);
}

/* --- fees and sending --- */

void esplora_ask_fees(const struct esplora_target *t, struct net_request *ret)
{
	get(t, ret, "/fee-estimates");
}

void esplora_ask_send(const struct esplora_target *t, struct bytes raw, struct net_request *ret)
{
	post(t, "/tx", "text/plain", hex_text(t->arena, raw), ret);
}

void esplora_ask_package(const struct esplora_target *t, const struct bytes *raw, size_t n, struct net_request *ret)
{
	const char *body = "[";

	for (size_t i = 0; i < n; i++)
		body = arena_printf(t->arena, "%s%s\"%s\"", body, i > 0 ? "," : "", hex_text(t->arena, raw[i]));
	post(t, "/txs/package", "application/json", arena_printf(t->arena, "%s]", body), ret);
}
