#include "rails/cashu/issue.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "base/text.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

/* Each output: two lengths, at most 8 bytes of amount, a point; or the point in hex. */
#define MESSAGE_MAX (64 + QUOTE_ID_MAX + CASHU_LIST_MAX * 66)

/* An id, an amount and a signature in a request. */
#define QUOTE_CHARS (QUOTE_ID_MAX + 20 + 128 + 10)

static void add_sized(struct buf *b, const void *p, size_t n)
{
	buf_be32(b, (uint32_t)n);
	buf_add(b, p, n);
}

static void add_amount(struct buf *b, uint64_t amount)
{
	uint8_t be[8];
	size_t zeros = 0;

	for (int i = 0; i < 8; i++)
		be[i] = (uint8_t)(amount >> (56 - 8 * i));
	while (zeros < 8 && be[zeros] == 0)
		zeros++;
	add_sized(b, be + zeros, 8 - zeros);
}

void issue_message_v1(const char *quote_id, const struct output *outputs, size_t n, struct hash32 *ret)
{
	SCOPED(buf) struct buf msg = BUF_CAP(MESSAGE_MAX);

	buf_text_add(&msg, "Cashu_MintQuoteSig_v1");
	add_sized(&msg, quote_id, strlen(quote_id));
	for (size_t i = 0; i < n; i++) {
		add_amount(&msg, outputs[i].amount);
		add_sized(&msg, outputs[i].b.b, sizeof(outputs[i].b.b));
	}
	assert(buf_ok(&msg));
	sha256(buf_bytes(&msg), ret);
}

void issue_message_legacy(const char *quote_id, const struct output *outputs, size_t n, struct hash32 *ret)
{
	SCOPED(buf) struct buf msg = BUF_CAP(MESSAGE_MAX);

	buf_text_add(&msg, quote_id);
	for (size_t i = 0; i < n; i++) {
		char b[67];

		hex_encode(outputs[i].b.b, sizeof(outputs[i].b.b), b);
		buf_text_add(&msg, b);
	}
	assert(buf_ok(&msg));
	sha256(buf_bytes(&msg), ret);
}

int issue_request(struct arena *a, const char *mint, const char *quote_id, const struct output *outputs, size_t n,
		  const uint8_t *signature, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *list;

	if (wire_outputs(a, outputs, n, &list, err) != 0)
		return -1;
	json_set_str(body, "quote", quote_id);
	json_set(body, "outputs", list);
	if (signature != NULL)
		json_set_take(body, "signature", wire_hex(signature, 64));
	wire_post(a, mint_url_join(a, mint, "/v1/mint/bolt11"), body, WIRE_WRITE_MS, true, ret);
	return 0;
}

static int check_quotes(const struct issue_quote *quotes, size_t n, struct err *err)
{
	if (wire_count("quotes", n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(quotes[i].id, quotes[j].id) == 0)
				return ERR(err, ERR_PARAM, "quotes %zu and %zu are the same", j, i);
	return 0;
}

int issue_batch_request(struct arena *a, const char *mint, const struct issue_quote *quotes, size_t n_quotes,
			const struct output *outputs, size_t n, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *ids = json_array_in(a), *amounts = json_array_in(a),
	       *signatures = json_array_in(a), *list;
	bool locked = false;

	if (check_quotes(quotes, n_quotes, err) != 0 || wire_count("outputs", n, err) != 0 ||
	    wire_room(a, n_quotes * QUOTE_CHARS + n * WIRE_OUTPUT_CHARS, err) != 0 ||
	    wire_outputs(a, outputs, n, &list, err) != 0)
		return -1;
	for (size_t i = 0; i < n_quotes; i++) {
		json_add_take(ids, json_string(quotes[i].id));
		json_add_take(amounts, json_integer((json_int_t)ecash_value(quotes[i].amount)));
		json_add_take(signatures,
			      quotes[i].signature == NULL ? json_null() : wire_hex(quotes[i].signature, 64));
		locked = locked || quotes[i].signature != NULL;
	}
	json_set(body, "quotes", ids);
	json_set(body, "quote_amounts", amounts);
	json_set(body, "outputs", list);
	if (locked)
		json_set(body, "signatures", signatures);
	wire_post(a, mint_url_join(a, mint, "/v1/mint/bolt11/batch"), body, WIRE_WRITE_MS, true, ret);
	return 0;
}
