#include "actions/onchain_order.h"

#include <string.h>

#include "rails/bitcoin/address.h"

const struct param onchain_order_params[] = {
	ORDER_PARAMS,
	{ .name = "psbt",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Sign nothing: reserve the coins, show a PSBT, and wait for psbt.broadcast." },
	{ 0 },
};

static int read_address(struct step *s, const char *text, struct bytes *ret, struct err *err)
{
	struct spk *spk = ARENA_NEW(s->arena, struct spk);

	if (address_parse(text, s->policy->onchain.network, spk, err) != 0)
		return -1;
	*ret = spk_bytes(spk);
	return 0;
}

static int read_amount(const json_t *from, struct sat *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(from, "amount_sat", SAT_MONEY_MAX, &v, err) != 0)
		return -1;
	if (v == 0) {
		ERR(err, ERR_PARAM, "amount_sat is 0");
		return err_field(err, "amount_sat");
	}
	return sat_from_u64(v, ret) ? 0 : ERR(err, ERR_RANGE, "amount_sat is more than there is");
}

/* Words of the parameters, not of a parser of some peer's. */
static int as_param(struct err *err)
{
	struct err why = *err;

	if (err->code != ERR_PARSE)
		return -1;
	ERR(err, ERR_PARAM, "%s", why.msg);
	return err_field(err, why.field);
}

static int read_output(struct step *s, const json_t *v, struct tx_out *ret, struct err *err)
{
	const char *address;

	if (!json_is_object(v))
		return ERR(err, ERR_PARAM, "is not {\"address\", \"amount_sat\"}");
	if (json_get_str(v, "address", 100, &address, err) != 0 || read_amount(v, &ret->value, err) != 0)
		return as_param(err);
	if (json_object_size(v) != 2)
		return ERR(err, ERR_PARAM, "has more than address and amount_sat");
	return read_address(s, address, &ret->script, err);
}

static int read_outputs(struct step *s, const json_t *list, struct onchain_order *o, struct err *err)
{
	struct tx_out *out = ARENA_ARRAY(s->arena, json_array_size(list), struct tx_out);
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (read_output(s, v, &out[i], err) != 0) {
			err_context(err, "output %zu", i + 1);
			return err_field(err, "outputs");
		}
	}
	o->payments = out;
	o->n_payments = i;
	o->listed = true;
	return 0;
}

static int read_single(struct step *s, const json_t *params, const char *address, struct onchain_order *o,
		       struct err *err)
{
	struct tx_out *out = ARENA_NEW(s->arena, struct tx_out);
	bool amount = json_object_get(params, "amount_sat") != NULL;

	if (o->sweep == amount) {
		ERR(err, ERR_PARAM, amount ? "all sends everything: there is no amount_sat" : "amount_sat is required");
		return err_field(err, "amount_sat");
	}
	if (amount && read_amount(params, &out->value, err) != 0)
		return as_param(err);
	if (read_address(s, address, &out->script, err) != 0)
		return err_field(err, "address");
	o->payments = out;
	o->n_payments = 1;
	return 0;
}

static int read_whom(struct step *s, const json_t *params, struct onchain_order *o, struct err *err)
{
	const json_t *outputs = json_object_get(params, "outputs");
	const char *address = NULL;

	if (json_opt_str(params, "address", 100, &address, err) != 0)
		return -1;
	if (address && !outputs)
		return read_single(s, params, address, o, err);
	if (address || !outputs) {
		ERR(err, ERR_PARAM, "give either address or outputs");
		return err_field(err, address ? "outputs" : "address");
	}
	if (o->sweep || json_object_get(params, "amount_sat")) {
		ERR(err, ERR_PARAM, "%s goes with address", o->sweep ? "all" : "amount_sat");
		return err_field(err, o->sweep ? "all" : "amount_sat");
	}
	if (json_array_size(outputs) == 0) {
		ERR(err, ERR_PARAM, "outputs is empty");
		return err_field(err, "outputs");
	}
	return read_outputs(s, outputs, o, err);
}

static int read_coins(struct step *s, const json_t *params, struct onchain_order *o, struct err *err)
{
	const json_t *list = json_object_get(params, "coins");
	struct outpoint *at = ARENA_ARRAY(s->arena, json_array_size(list) + 1, struct outpoint);
	json_t *v;
	size_t i;

	if (!list)
		return 0;
	json_array_foreach(list, i, v)
	{
		bool twice = false;

		if (!json_is_string(v) || !outpoint_parse(json_string_value(v), &at[i])) {
			ERR(err, ERR_PARAM, "coin %zu is no txid:vout", i + 1);
			return err_field(err, "coins");
		}
		for (size_t k = 0; k < i; k++)
			twice = twice || outpoint_equal(&at[k], &at[i]);
		if (twice) {
			ERR(err, ERR_PARAM, "coin %zu is named twice", i + 1);
			return err_field(err, "coins");
		}
	}
	if (i == 0) {
		ERR(err, ERR_PARAM, "coins is empty");
		return err_field(err, "coins");
	}
	o->only = at;
	o->n_only = i;
	return 0;
}

int onchain_order_read(struct step *s, const json_t *params, struct onchain_order *ret, struct err *err)
{
	*ret = (struct onchain_order){ 0 };
	if (json_opt_bool(params, "all", &ret->sweep, err) != 0 ||
	    json_opt_bool(params, "subtract_fee", &ret->subtract_fee, err) != 0 || read_whom(s, params, ret, err) != 0)
		return -1;
	return read_coins(s, params, ret, err);
}
