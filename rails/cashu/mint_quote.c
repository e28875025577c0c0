#include "rails/cashu/mint_quote.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

int mint_quote_request(struct arena *a, const char *mint, struct ecash amount, const char *description,
		       const struct pubkey *pubkey, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a);

	if (ecash_is_zero(amount)) {
		(void)ERR(err, ERR_RANGE, "a quote for nothing");
		return err_field(err, "amount");
	}
	if (description != NULL && strlen(description) > MINT_QUOTE_DESCRIPTION_MAX) {
		(void)ERR(err, ERR_PARAM, "longer than %d bytes", MINT_QUOTE_DESCRIPTION_MAX);
		return err_field(err, "description");
	}
	json_set_u64(body, "amount", ecash_value(amount));
	json_set_str(body, "unit", amount.unit.s);
	if (description != NULL)
		json_set_str(body, "description", description);
	if (pubkey != NULL)
		json_set_take(body, "pubkey", wire_hex(pubkey->b, sizeof(pubkey->b)));
	/* Asking twice makes two quotes, and the one that nobody pays is worth nothing: no need for a fresh connection. */
	wire_post(a, mint_url_join(a, mint, "/v1/mint/quote/bolt11"), body, WIRE_READ_MS, false, ret);
	return 0;
}

void mint_quote_check_request(struct arena *a, const char *mint, const char *quote_id, struct net_request *ret)
{
	wire_get(mint_url_join_segment(a, mint, "/v1/mint/quote/bolt11/", quote_id), ret);
}

/* The amount in the human-readable part of a BOLT11 invoice, in msat.  False when there is none that we can read: the
 * mint's fake backends send all kinds of text, and paying is somebody else's business. */
static bool invoice_msat(const char *invoice, uint64_t *ret)
{
	const char *end = strrchr(invoice, '1'), *p = invoice;
	char digits[20];
	uint64_t amount, per_unit = UINT64_C(100000000000); /* msat in a bitcoin */
	size_t n;

	if (end == NULL || (!text_starts(invoice, "ln") && !text_starts(invoice, "LN")))
		return false;
	while (p < end && (*p < '0' || *p > '9'))
		p++;
	for (n = 0; p < end && *p >= '0' && *p <= '9' && n < sizeof(digits) - 1; p++)
		digits[n++] = *p;
	digits[n] = '\0';
	if (!parse_u64(digits, UINT32_MAX, &amount))
		return false;
	if (p + 1 == end) {
		switch (*p | 0x20) {
		case 'm':
			per_unit /= 1000;
			break;
		case 'u':
			per_unit /= 1000000;
			break;
		case 'n':
			per_unit /= 1000000000;
			break;
		case 'p':
			if (amount % 10 != 0)
				return false;
			*ret = amount / 10;
			return true;
		default:
			return false;
		}
	} else if (p != end) {
		return false;
	}
	if (amount > UINT64_MAX / per_unit)
		return false;
	*ret = amount * per_unit;
	return true;
}

static int check_invoice(const char *invoice, struct ecash amount, struct err *err)
{
	uint64_t msat, per_unit;

	if (strcmp(amount.unit.s, "sat") == 0)
		per_unit = 1000;
	else if (strcmp(amount.unit.s, "msat") == 0)
		per_unit = 1;
	else
		return 0;
	if (!invoice_msat(invoice, &msat))
		return 0;
	if (msat % per_unit != 0 || msat / per_unit != ecash_value(amount))
		return ERR(err, ERR_PARSE, "its invoice asks for %llu msat", (unsigned long long)msat);
	return 0;
}

static enum quote_state state_of(const char *text)
{
	static const struct {
		const char *text;
		enum quote_state state;
	} states[] = {
		{ "UNPAID", QUOTE_UNPAID },
		{ "PAID", QUOTE_PAID },
		{ "ISSUED", QUOTE_ISSUED },
		{ "PENDING", QUOTE_PENDING },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(text, states[i].text) == 0)
			return states[i].state;
	return QUOTE_UNKNOWN;
}

/* Texts are the JSON's own: the arena that holds it is the one that results live in. */
static int quote_read(const json_t *v, struct ecash asked, const char *id, struct mint_quote *ret, struct err *err)
{
	struct mint_quote q = { .amount = asked };
	const char *state, *unit = asked.unit.s;
	uint64_t amount = ecash_value(asked);

	if (json_get_str(v, "quote", QUOTE_ID_MAX, &q.id, err) != 0 ||
	    json_get_str(v, "request", MINT_QUOTE_REQUEST_MAX, &q.request, err) != 0 ||
	    json_get_str(v, "state", SIZE_MAX, &state, err) != 0 ||
	    json_opt_u64(v, "amount", AMOUNT_MAX, &amount, err) != 0 ||
	    json_opt_str(v, "unit", SIZE_MAX, &unit, err) != 0 || json_opt_i64(v, "expiry", &q.expiry_s, err) != 0)
		return -1;
	if (q.id[0] == '\0' || !text_printable_ascii(q.id) || !text_printable_ascii(q.request))
		return ERR(err, ERR_PARSE, "its id or its invoice is not printable text");
	if (id != NULL && strcmp(q.id, id) != 0)
		return ERR(err, ERR_PARSE, "it is about another quote");
	if (amount != ecash_value(asked) || strcmp(unit, asked.unit.s) != 0)
		return ERR(err, ERR_PARSE, "it is not for the amount asked for");
	if (check_invoice(q.request, asked, err) != 0)
		return -1;
	if (json_is_string(json_object_get(v, "pubkey"))) {
		if (wire_point(v, "pubkey", &q.pubkey, err) != 0)
			return -1;
		q.has_pubkey = true;
	}
	if (q.expiry_s < 0)
		return ERR(err, ERR_RANGE, "its expiry is negative");
	if (q.expiry_s > MINT_QUOTE_EXPIRY_MAX_S)
		q.expiry_s = MINT_QUOTE_EXPIRY_MAX_S;
	q.state = state_of(state);
	*ret = q;
	return 0;
}

int mint_quote_decode(struct arena *a, const struct net_reply *rep, struct ecash asked, const char *id,
		      struct mint_quote *ret, struct err *err)
{
	json_t *v;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (quote_read(v, asked, id, ret, err) != 0)
		return cashu_invalid(err, "the mint's quote");
	return 0;
}

int mint_quotes_check_request(struct arena *a, const char *mint, const struct mint_quote_asked *asked, size_t n,
			      struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *ids = json_array_in(a);

	if (wire_count("quotes", n, err) != 0 || wire_room(a, n * (QUOTE_ID_MAX + 3), err) != 0)
		return -1;
	json_set(body, "quotes", ids);
	for (size_t i = 0; i < n; i++)
		json_add_take(ids, json_string(asked[i].id));
	wire_post(a, mint_url_join(a, mint, "/v1/mint/quote/bolt11/check"), body, WIRE_READ_MS, false, ret);
	return 0;
}

int mint_quotes_decode(struct arena *a, const struct net_reply *rep, const struct mint_quote_asked *asked, size_t n,
		       struct mint_quote **ret, struct err *err)
{
	struct mint_quote *quotes;
	json_t *v;

	if (cashu_reply_list(a, rep, CASHU_LIST_MAX, &v, err) != 0)
		return -1;
	if (json_array_size(v) != n)
		return ERR(err, ERR_PEER_INVALID, "the mint told of %zu quotes where %zu were asked about",
			   json_array_size(v), n);
	if (!arena_room(a, n * sizeof(*quotes)))
		return ERR(err, ERR_PEER_INVALID, "the mint told of %zu quotes, more than there is room for", n);
	quotes = ARENA_ARRAY(a, n, struct mint_quote);
	for (size_t i = 0; i < n; i++)
		if (quote_read(json_array_get(v, i), asked[i].amount, asked[i].id, &quotes[i], err) != 0)
			return cashu_invalid(err, "one of the mint's quotes");
	*ret = quotes;
	return 0;
}
