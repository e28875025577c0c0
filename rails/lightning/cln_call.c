/* Requests: spec/splice.md 5.1.3.  Parameters go by name, because their order has changed; rates carry their unit, because a
 * bare number is taken for another one. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/address.h"
#include "rails/lightning/cln_pairs.h"
#include "rails/lightning/cln_wire.h"
#include "rails/lightning/splice_fee.h"

#define SAT_TEXT 32

static void set_hash(json_t *obj, const char *name, const struct hash32 *h)
{
	char hex[2 * sizeof(h->b) + 1];

	hex_encode(h->b, sizeof(h->b), hex);
	json_set_str(obj, name, hex);
}

static void set_pubkey(json_t *obj, const char *name, const struct pubkey *key)
{
	char hex[2 * sizeof(key->b) + 1];

	hex_encode(key->b, sizeof(key->b), hex);
	json_set_str(obj, name, hex);
}

static void set_rate(json_t *obj, const char *name, struct feerate rate)
{
	char text[SPLICE_RATE_TEXT];

	splice_rate_text(rate, text);
	json_set_str(obj, name, text);
}

static void set_sat(struct arena *a, json_t *obj, const char *name, struct sat amount)
{
	json_set_str(obj, name, arena_printf(a, "%" PRIu64 "sat", sat_value(amount)));
}

/* Is there room for a request that carries this PSBT? */
static int psbt_room(const struct arena *a, const char *psbt, struct err *err)
{
	size_t n = strlen(psbt);

	if (n > LN_PSBT_TEXT_MAX || !arena_room(a, 3 * n + 4096))
		return ERR(err, ERR_RANGE, "a PSBT of %zu characters", n);
	return 0;
}

static int call(struct arena *a, const struct ln_node *node, const char *method, json_t *params,
		struct net_request *ret, struct err *err)
{
	return cln_request(a, node, &(struct cln_call){ .method = method, .params = params }, ret, err);
}

static int call_write(struct arena *a, const struct ln_node *node, const char *method, json_t *params,
		      struct net_request *ret, struct err *err)
{
	return cln_request(a, node, &(struct cln_call){ .method = method, .params = params, .writes = true }, ret, err);
}

static int call_peer(struct arena *a, const struct ln_node *node, const char *method, json_t *params,
		     struct net_request *ret, struct err *err)
{
	struct cln_call c = { .method = method, .params = params, .waits = true, .writes = true };

	return cln_request(a, node, &c, ret, err);
}

/* --- what it knows --- */

int cln_info_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err)
{
	return call(a, node, "getinfo", json_object_in(a), ret, err);
}

int cln_channels_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, struct net_request *ret,
			 struct err *err)
{
	json_t *params = json_object_in(a);

	if (ref)
		set_hash(params, "channel_id", &ref->channel);
	return call(a, node, "listpeerchannels", params, ret, err);
}

int cln_closed_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, struct net_request *ret,
		       struct err *err)
{
	json_t *params = json_object_in(a);

	set_pubkey(params, "id", &ref->peer);
	return call(a, node, "listclosedchannels", params, ret, err);
}

int cln_coins_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err)
{
	json_t *filter = json_object_in(a), *list = json_array_in(a), *one = json_object_in(a);

	json_set_bool(one, "txid", true);
	json_set_bool(one, "output", true);
	json_set_bool(one, "amount_msat", true);
	json_set_bool(one, "reserved_to_block", true);
	json_add(list, one);
	json_set(filter, "outputs", list);
	return cln_request(a, node,
			   &(struct cln_call){ .method = "listfunds", .params = json_object_in(a), .filter = filter },
			   ret, err);
}

int cln_feerates_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err)
{
	json_t *params = json_object_in(a);

	json_set_str(params, "style", "perkw");
	return call(a, node, "feerates", params, ret, err);
}

/* --- the peer --- */

int cln_peer_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, struct net_request *ret,
		     struct err *err)
{
	json_t *params = json_object_in(a);

	set_pubkey(params, "id", &ref->peer);
	return call(a, node, "listpeers", params, ret, err);
}

int cln_connect_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, struct net_request *ret,
			struct err *err)
{
	json_t *params = json_object_in(a);

	set_pubkey(params, "id", &ref->peer);
	return call_peer(a, node, "connect", params, ret, err);
}

int cln_disconnect_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
			   struct net_request *ret, struct err *err)
{
	json_t *params = json_object_in(a);

	set_pubkey(params, "id", &ref->peer);
	json_set_bool(params, "force", true);
	return call_write(a, node, "disconnect", params, ret, err);
}

/* --- a contribution --- */

static int add_utxos(struct arena *a, json_t *params, const struct ln_fund *fund, struct err *err)
{
	json_t *list = json_array_in(a);

	if (fund->n_with > SPLICE_INPUTS_MAX || !arena_room(a, 4 * fund->n_with * OUTPOINT_TEXT))
		return ERR(err, ERR_RANGE, "%zu inputs", fund->n_with);
	for (size_t i = 0; i < fund->n_with; i++) {
		char text[OUTPOINT_TEXT];

		outpoint_text(&fund->with[i], text);
		json_add_take(list, json_string(text));
	}
	json_set(params, "utxos", list);
	json_set_bool(params, "reservedok", true);
	return 0;
}

int cln_fund_request(struct arena *a, const struct ln_node *node, const struct ln_fund *fund, struct net_request *ret,
		     struct err *err)
{
	json_t *params = json_object_in(a);

	if (fund->everything)
		json_set_str(params, "satoshi", "all");
	else
		set_sat(a, params, "satoshi", fund->amount);
	set_rate(params, "feerate", fund->rate);
	json_set_u64(params, "startweight", fund->start.v);
	json_set_bool(params, "excess_as_change", !fund->everything);
	json_set_int(params, "reserve", LN_RESERVE_BLOCKS);
	if (fund->n_with == 0) {
		json_set_int(params, "minconf", 1);
		return call_write(a, node, "fundpsbt", params, ret, err);
	}
	if (add_utxos(a, params, fund, err) != 0)
		return -1;
	return call_write(a, node, "utxopsbt", params, ret, err);
}

int cln_pay_request(struct arena *a, const struct ln_node *node, const struct ln_pay *pay, struct net_request *ret,
		    struct err *err)
{
	char address[ADDRESS_TEXT_MAX];
	json_t *params = json_object_in(a);

	if (!address_text(pay->script, pay->network, address))
		return ERR(err, ERR_ADDRESS, "no address stands for what is to be paid");
	set_sat(a, params, "satoshi", pay->amount);
	json_set_str(params, "destination", address);
	return call(a, node, "addpsbtoutput", params, ret, err);
}

static int reservation(struct arena *a, const struct ln_node *node, const char *method, const char *psbt,
		       uint32_t blocks, struct net_request *ret, struct err *err)
{
	json_t *params = json_object_in(a);

	if (psbt_room(a, psbt, err) != 0)
		return -1;
	json_set_str(params, "psbt", psbt);
	json_set_int(params, "reserve", blocks);
	if (strcmp(method, "reserveinputs") == 0)
		json_set_bool(params, "exclusive", false);
	return call_write(a, node, method, params, ret, err);
}

int cln_release_request(struct arena *a, const struct ln_node *node, const char *psbt, struct net_request *ret,
			struct err *err)
{
	return reservation(a, node, "unreserveinputs", psbt, LN_RELEASE_BLOCKS, ret, err);
}

int cln_renew_request(struct arena *a, const struct ln_node *node, const char *psbt, uint32_t blocks,
		      struct net_request *ret, struct err *err)
{
	return reservation(a, node, "reserveinputs", psbt, blocks, ret, err);
}

/* --- a round --- */

int cln_open_request(struct arena *a, const struct ln_node *node, const struct ln_open *open, struct net_request *ret,
		     struct err *err)
{
	json_t *params = json_object_in(a);
	int64_t by = (int64_t)sat_value(open->share.by);

	if (psbt_room(a, open->psbt, err) != 0)
		return -1;
	set_hash(params, "channel_id", &open->channel.channel);
	json_set_int(params, "relative_amount", open->share.out ? -by : by);
	json_set_str(params, "initialpsbt", open->psbt);
	set_rate(params, "feerate_per_kw", open->rate);
	json_set_bool(params, "force_feerate", open->force_rate);
	return call_peer(a, node, "splice_init", params, ret, err);
}

static int with_psbt(struct arena *a, const struct ln_node *node, const char *method, const struct ln_ref *ref,
		     const char *psbt, struct net_request *ret, struct err *err)
{
	json_t *params = json_object_in(a);

	if (psbt_room(a, psbt, err) != 0)
		return -1;
	set_hash(params, "channel_id", &ref->channel);
	json_set_str(params, "psbt", psbt);
	return call_peer(a, node, method, params, ret, err);
}

int cln_update_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, const char *psbt,
		       struct net_request *ret, struct err *err)
{
	return with_psbt(a, node, "splice_update", ref, psbt, ret, err);
}

int cln_commit_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, const char *psbt,
		       struct net_request *ret, struct err *err)
{
	return with_psbt(a, node, "splice_signed", ref, psbt, ret, err);
}

int cln_sign_request(struct arena *a, const struct ln_node *node, const char *psbt, const uint32_t *inputs, size_t n,
		     struct net_request *ret, struct err *err)
{
	json_t *params = json_object_in(a), *list = json_array_in(a);

	/* Without a list it would sign whatever is its own. */
	if (n == 0 || n > SPLICE_INPUTS_MAX)
		return ERR(err, ERR_RANGE, "%zu inputs to sign", n);
	if (psbt_room(a, psbt, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		json_add_take(list, json_integer(inputs[i]));
	json_set_str(params, "psbt", psbt);
	json_set(params, "signonly", list);
	return call(a, node, "signpsbt", params, ret, err);
}

int cln_abort_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref, struct net_request *ret,
		      struct err *err)
{
	json_t *params = json_object_in(a), *list = json_array_in(a);
	char hex[2 * sizeof(ref->channel.b) + 1];

	hex_encode(ref->channel.b, sizeof(ref->channel.b), hex);
	json_add_take(list, json_string(hex));
	json_set(params, "channel_ids", list);
	return call_write(a, node, "abort_channels", params, ret, err);
}
