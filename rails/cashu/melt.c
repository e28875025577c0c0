#include "rails/cashu/melt.h"

#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_quote.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/wire.h"

#define PPM 1000000

int melt_quote_request(struct arena *a, const char *mint, const struct melt_asked *asked, struct net_request *ret,
		       struct err *err)
{
	json_t *body = json_object_in(a);

	if (asked->amount.v == 0 || asked->amount.v > AMOUNT_MAX) {
		(void)ERR(err, ERR_RANGE, "a payment of %llu msat", (unsigned long long)asked->amount.v);
		return err_field(err, "amount");
	}
	json_set_str(body, "request", asked->invoice);
	json_set_str(body, "unit", asked->unit.s);
	if (asked->amountless) {
		json_t *options = json_object(), *amountless = json_object();

		json_set_take(body, "options", options);
		json_set_take(options, "amountless", amountless);
		json_set_u64(amountless, "amount_msat", asked->amount.v);
	}
	/* A quote that nobody uses costs nothing: asking twice is harmless. */
	wire_post(a, mint_url_join(a, mint, "/v1/melt/quote/bolt11"), body, WIRE_READ_MS, false, ret);
	return 0;
}

void melt_quote_check_request(struct arena *a, const char *mint, const char *quote_id, struct net_request *ret)
{
	wire_get(mint_url_join_segment(a, mint, "/v1/melt/quote/bolt11/", quote_id), ret);
}

int melt_request(struct arena *a, const char *mint, const char *quote_id, const struct proof *inputs, size_t n_in,
		 const struct output *blanks, size_t n_blanks, struct net_request *ret, struct err *err)
{
	json_t *body = json_object_in(a), *in, *out;

	if (n_blanks > MELT_BLANKS_MAX)
		return ERR(err, ERR_RANGE, "%zu blank outputs; %d take any change", n_blanks, MELT_BLANKS_MAX);
	if (wire_count("inputs", n_in, err) != 0 ||
	    wire_room(a, wire_inputs_chars(inputs, n_in) + n_blanks * WIRE_OUTPUT_CHARS, err) != 0 ||
	    wire_inputs(a, inputs, n_in, &in, err) != 0)
		return -1;
	json_set_str(body, "quote", quote_id);
	json_set(body, "inputs", in);
	if (n_blanks > 0) {
		if (wire_outputs(a, blanks, n_blanks, &out, err) != 0)
			return -1;
		json_set(body, "outputs", out);
	}
	json_set_bool(body, "prefer_async", true);
	wire_post(a, mint_url_join(a, mint, "/v1/melt/bolt11"), body, MELT_TIMEOUT_MS, true, ret);
	return 0;
}

/* How many msat are one of this unit; 0 for a unit that has no fixed rate to them. */
static uint64_t msat_per_unit(struct currency unit)
{
	if (strcmp(unit.s, "sat") == 0)
		return 1000;
	return strcmp(unit.s, "msat") == 0 ? 1 : 0;
}

static enum quote_state state_of(const char *text, bool preimage)
{
	static const struct {
		const char *text;
		enum quote_state state;
	} states[] = {
		{ "UNPAID", QUOTE_UNPAID },
		{ "FAILED", QUOTE_UNPAID }, /* cdk: an attempt failed, and the next one may not */
		{ "PENDING", QUOTE_PENDING },
		{ "PAID", QUOTE_PAID },
	};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(text, states[i].text) != 0)
			continue;
		return states[i].state == QUOTE_UNPAID && preimage ? QUOTE_PENDING : states[i].state;
	}
	return QUOTE_UNKNOWN;
}

static int check_terms(const json_t *v, const struct melt_asked *asked, uint64_t amount, struct err *err)
{
	const char *unit = asked->unit.s, *request = asked->invoice;
	uint64_t per = msat_per_unit(asked->unit);

	if (json_opt_str(v, "unit", SIZE_MAX, &unit, err) != 0 ||
	    json_opt_str(v, "request", MINT_QUOTE_REQUEST_MAX, &request, err) != 0)
		return -1;
	if (strcmp(unit, asked->unit.s) != 0)
		return ERR(err, ERR_PARSE, "it is of another unit");
	if (strcasecmp(request, asked->invoice) != 0)
		return ERR(err, ERR_PARSE, "it is for another invoice");
	if (per != 0 && amount < asked->amount.v / per)
		return ERR(err, ERR_PARSE, "it charges less than the invoice asks: it is for something else");
	return 0;
}

/* Change that cannot be read must not hide that the invoice is paid. */
static void read_change(struct arena *a, const json_t *v, struct melt_quote *q)
{
	const json_t *list = json_object_get(v, "change");
	struct err why; /* the caller is told by the flag, and asks another way */
	size_t n = json_array_size(list);

	if (list == NULL || json_is_null(list))
		return;
	q->change_unreadable = true;
	if (!json_is_array(list) || n > MELT_BLANKS_MAX || !arena_room(a, n * sizeof(*q->change)))
		return;
	q->change = ARENA_ARRAY(a, n, struct promise);
	for (size_t i = 0; i < n; i++)
		if (promise_parse(json_array_get(list, i), &q->change[i], &why) != 0)
			return;
	q->n_change = n;
	q->change_unreadable = false;
}

/* Texts are the JSON's own: the arena that holds it is the one that results live in. */
static int quote_read(struct arena *a, const json_t *v, const struct melt_asked *asked, const char *id,
		      struct melt_quote *ret, struct err *err)
{
	struct melt_quote q = { 0 };
	const char *state;
	uint64_t amount, reserve;

	if (json_get_str(v, "quote", QUOTE_ID_MAX, &q.id, err) != 0 ||
	    json_get_str(v, "state", SIZE_MAX, &state, err) != 0 || wire_amount(v, "amount", &amount, err) != 0 ||
	    json_get_u64(v, "fee_reserve", AMOUNT_MAX, &reserve, err) != 0 ||
	    json_opt_i64(v, "expiry", &q.expiry_s, err) != 0 ||
	    json_opt_str(v, "payment_preimage", MELT_PREIMAGE_MAX, &q.preimage, err) != 0)
		return -1;
	if (q.id[0] == '\0' || !text_printable_ascii(q.id))
		return ERR(err, ERR_PARSE, "its id is not printable text");
	if (id != NULL && strcmp(q.id, id) != 0)
		return ERR(err, ERR_PARSE, "it is about another quote");
	if (q.preimage != NULL && !text_printable_ascii(q.preimage))
		return ERR(err, ERR_PARSE, "its preimage is not printable text");
	if (q.expiry_s < 0)
		return ERR(err, ERR_RANGE, "its expiry is negative");
	if (!ecash_make(amount, asked->unit, &q.amount) || !ecash_make(reserve, asked->unit, &q.fee_reserve))
		return ERR(err, ERR_RANGE, "its amounts are too large");
	if (check_terms(v, asked, amount, err) != 0)
		return -1;
	if (q.preimage != NULL && q.preimage[0] == '\0')
		q.preimage = NULL;
	if (q.expiry_s > MINT_QUOTE_EXPIRY_MAX_S)
		q.expiry_s = MINT_QUOTE_EXPIRY_MAX_S;
	q.state = state_of(state, q.preimage != NULL);
	read_change(a, v, &q);
	*ret = q;
	return 0;
}

int melt_quote_decode(struct arena *a, const struct net_reply *rep, const struct melt_asked *asked, const char *id,
		      struct melt_quote *ret, struct err *err)
{
	json_t *v;

	if (cashu_reply_json(a, rep, &v, err) != 0)
		return -1;
	if (quote_read(a, v, asked, id, ret, err) != 0)
		return cashu_invalid(err, "the mint's quote");
	return 0;
}

int melt_cost(const struct melt_quote *q, const struct melt_asked *asked, struct ecash input_fee, struct melt_cost *ret,
	      struct err *err)
{
	uint64_t per = msat_per_unit(asked->unit);
	struct melt_cost c;

	if (!currency_equal(q->amount.unit, asked->unit) || !currency_equal(input_fee.unit, asked->unit))
		return ERR(err, ERR_UNIT, "a quote, an invoice and a fee of different units");
	if (!ecash_add(q->fee_reserve, input_fee, &c.fee_max) || !ecash_add(q->amount, c.fee_max, &c.need))
		return ERR(err, ERR_RANGE, "amount and fees are more than any amount");
	if (per != 0) {
		struct ecash gets;

		if (!ecash_make(asked->amount.v / per, asked->unit, &gets) || !ecash_sub(c.need, gets, &c.fee_max))
			return ERR(err, ERR_RANGE, "the quote is for less than the invoice");
	}
	*ret = c;
	return 0;
}

int melt_fee_ceiling(struct ecash amount, uint32_t ppm, struct ecash least, struct ecash *ret, struct err *err)
{
	struct ecash ceiling;
	uint64_t v = ecash_value(amount);

	if (ppm > PPM)
		return ERR(err, ERR_RANGE, "%u parts per million", ppm);
	if (!currency_equal(amount.unit, least.unit))
		return ERR(err, ERR_UNIT, "an amount and a fee of different units");
	/* ppm is at most a million, so neither the parts nor their sum can wrap. */
	if (!ecash_make(v / PPM * ppm + (v % PPM * ppm + PPM - 1) / PPM, amount.unit, &ceiling))
		return ERR(err, ERR_RANGE, "the fee's ceiling is more than any amount");
	*ret = ecash_cmp(ceiling, least) < 0 ? least : ceiling;
	return 0;
}

int melt_check_fee(const struct melt_cost *cost, struct ecash ceiling, struct err *err)
{
	if (!currency_equal(cost->fee_max.unit, ceiling.unit))
		return ERR(err, ERR_UNIT, "a fee in %s and its ceiling in %s", cost->fee_max.unit.s, ceiling.unit.s);
	if (ecash_cmp(cost->fee_max, ceiling) > 0) {
		(void)ERR(err, ERR_FEE, "paying may cost %llu %s in fees; the ceiling is %llu",
			  (unsigned long long)ecash_value(cost->fee_max), ceiling.unit.s,
			  (unsigned long long)ecash_value(ceiling));
		return err_field(err, "max_fee");
	}
	return 0;
}

size_t melt_blank_count(uint64_t surplus)
{
	size_t n = 0;

	if (surplus == 0)
		return 0;
	for (uint64_t left = surplus - 1; left > 0; left >>= 1)
		n++;
	return n == 0 ? 1 : n;
}

int melt_change_outputs(struct arena *a, const struct output *blanks, size_t n_blanks, const struct promise *change,
			size_t n, uint64_t surplus, struct output **ret, struct err *err)
{
	struct output *outputs;

	if (n > n_blanks)
		return ERR(err, ERR_PEER_INVALID, "the mint sent %zu signatures of change for %zu outputs", n,
			   n_blanks);
	outputs = ARENA_ARRAY(a, n, struct output);
	for (size_t i = 0; i < n; i++) {
		if (change[i].amount > surplus)
			return ERR(err, ERR_PEER_INVALID, "the mint sent more change than there was to give back");
		surplus -= change[i].amount;
		outputs[i] = blanks[i];
		outputs[i].amount = change[i].amount;
	}
	*ret = outputs;
	return 0;
}

bool melt_preimage_proves(const char *preimage, const struct hash32 *payment_hash)
{
	struct hash32 hash;
	uint8_t raw[32];

	if (preimage == NULL || !hex_decode(preimage, raw, sizeof(raw)))
		return false;
	sha256((struct bytes){ raw, sizeof(raw) }, &hash);
	return hash32_equal(&hash, payment_hash);
}
