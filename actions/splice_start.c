/* actions/splice_start.c - what is asked for is looked at before anything is handed to the node: spec/splice.md 6.1.
 *
 * What the node said last is what it is looked at by; what it says when it is asked decides. */
#include <inttypes.h>
#include <string.h>

#include "actions/onchain_show.h"
#include "actions/splice.h"
#include "actions/splice_show.h"
#include "base/rng.h"
#include "base/text.h"
#include "lightning/funding_track.h"
#include "rails/bitcoin/address.h"
#include "rails/bitcoin/policy.h"
#include "rails/lightning/splice_fee.h"
#include "store/channel_store.h"

#define CHANNEL_PARAM(flags_, help_)                                                                                   \
	{                                                                                                              \
		.name = "channel", .type = PARAM_STRING, .flags = (flags_), .min = 64, .max = 64, .help = (help_)      \
	}
#define AMOUNT_PARAM(help_)                                                                                            \
	{                                                                                                              \
		.name = "amount_sat", .type = PARAM_INT, .min = 1, .max = (int64_t)SAT_MONEY_MAX, .help = (help_)      \
	}
#define LIMIT_PARAMS                                                                                                   \
	{ .name = "feerate",                                                                                           \
	  .type = PARAM_STRING,                                                                                        \
	  .max = 20,                                                                                                   \
	  .fallback = "the node's estimate",                                                                           \
	  .help = "What to pay, in sat/vB: \"2.5\"." },                                                                \
		{ .name = "max_feerate",                                                                               \
		  .type = PARAM_STRING,                                                                                \
		  .max = 20,                                                                                           \
		  .fallback = "1.5 times the node's estimate",                                                         \
		  .help = "No round of it pays more, in sat/vB." },                                                    \
		{ .name = "max_fee_sat",                                                                               \
		  .type = PARAM_INT,                                                                                   \
		  .min = 1,                                                                                            \
		  .max = (int64_t)SAT_MONEY_MAX,                                                                       \
		  .fallback = "as max_feerate has it",                                                                 \
		  .help = "No round of it costs more." },                                                              \
	{                                                                                                              \
		.name = "deadline_s", .type = PARAM_INT, .min = 0, .max = 2592000, .fallback = "splice_deadline_s",    \
		.help = "It is given up when it is not signed so long after now. 0: never."                            \
	}

const struct param splice_in_params[] = {
	CHANNEL_PARAM(PARAM_REQUIRED, "Which channel, as channel.list names it."),
	AMOUNT_PARAM("What arrives in the channel."),
	{ .name = "all",
	  .type = PARAM_BOOL,
	  .fallback = "false",
	  .help = "Everything that the node's wallet can spend, less the fee; without amount_sat." },
	LIMIT_PARAMS,
	{ 0 },
};

const struct param splice_out_params[] = {
	CHANNEL_PARAM(PARAM_REQUIRED, "Which channel, as channel.list names it."),
	AMOUNT_PARAM("What arrives at the address; the channel pays the fee beside it."),
	{ .name = "address",
	  .type = PARAM_STRING,
	  .max = 100,
	  .fallback = "a new one of walletd's on-chain wallet",
	  .help = "Whom to pay." },
	LIMIT_PARAMS,
	{ 0 },
};

const struct param splice_bump_params[] = {
	CHANNEL_PARAM(0, "Whose splice."),
	{ .name = "id", .type = PARAM_STRING, .max = ACTION_ID_MAX, .help = "Or the action of the splice." },
	LIMIT_PARAMS,
	{ 0 },
};

/* --- the node and the channel --- */

static int need_node(const struct step *s, struct err *err)
{
	if (!s->lightning) {
		ERR(err, ERR_CONFIG, "no Lightning node is configured");
		return err_hint(err, "set lightning_rpc or lightning_url in walletd.conf");
	}
	if (s->chain)
		return 0;
	ERR(err, ERR_CONFIG, "no node is configured to watch the block chain");
	return err_hint(err, "set bitcoind_url or esplora_url in walletd.conf");
}

static int channel_param(const json_t *params, struct hash32 *ret, struct err *err)
{
	const char *text;

	if (json_get_str(params, "channel", 64, &text, err) != 0)
		return -1;
	if (hex_decode(text, ret->b, sizeof(ret->b)))
		return 0;
	ERR(err, ERR_PARAM, "this is no id of a channel: 64 hex digits");
	return err_field(err, "channel");
}

static int check_phase(const struct channel_row *c, struct err *err)
{
	switch (c->phase) {
	case CHANNEL_READY:
		return 0;
	case CHANNEL_OPENING:
		ERR(err, ERR_CHANNEL_NOT_READY, "the channel is still being opened (%s)", c->state);
		break;
	case CHANNEL_CLOSING:
		ERR(err, ERR_CHANNEL_CLOSING, "the channel is being closed (%s)", c->state);
		break;
	case CHANNEL_GONE:
		ERR(err, ERR_CHANNEL_CLOSING, "the channel is closed");
		break;
	}
	return err_field(err, "channel");
}

static int check_node(const struct step *s, const struct lightning_status *st, const struct channel_row *c,
		      struct err *err)
{
	if (st->told && st->too_old) {
		ERR(err, ERR_NODE_TOO_OLD, "the Lightning node is of version %s, which cannot be spliced by walletd",
		    st->version);
		return err_hint(err, "Core Lightning 26.06 or newer");
	}
	if (lightning_peer_of(s->lightning, &c->peer) == LIGHTNING_PEER_CANNOT) {
		ERR(err, ERR_SPLICE_UNSUPPORTED, "the channel's peer does not support splicing");
		return err_field(err, "channel");
	}
	return 0;
}

static int check_free(const struct step *s, const struct hash32 *channel, struct err *err)
{
	struct splice_row living;
	int found = splice_store_of_channel(s->view, s->arena, channel, &living, err);

	if (found <= 0)
		return found;
	ERR(err, ERR_SPLICE_LIVE, "a splice of this channel is under way: action %s", living.action.s);
	err_hint(err, "splice_bump raises its fee; action.get %s", living.action.s);
	return err_field(err, "channel");
}

static int find_channel(const struct step *s, const json_t *params, const struct lightning_status *st,
			struct channel_row *ret, struct err *err)
{
	struct hash32 id;
	int found;

	if (channel_param(params, &id, err) != 0)
		return -1;
	found = channel_store_get(s->view, s->arena, &id, ret, err);
	if (found < 0)
		return -1;
	if (found > 0)
		return check_phase(ret, err) != 0 || check_node(s, st, ret, err) != 0 || check_free(s, &id, err) != 0
			       ? -1
			       : 0;
	if (!st->told) {
		ERR(err, ERR_PEER_DOWN, "the Lightning node has not been reached yet: %s",
		    st->last_error.code != ERR_NONE ? st->last_error.msg : "it is being asked");
		return err_hint(err, "status");
	}
	ERR(err, ERR_CHANNEL, "the Lightning node has no channel of this id");
	err_hint(err, "channel.list");
	return err_field(err, "channel");
}

/* --- limits --- */

static int rate_param(const struct step *s, const json_t *params, const char *name, bool *has, struct feerate *ret,
		      struct err *err)
{
	const char *text = NULL;

	if (json_opt_str(params, name, 20, &text, err) != 0)
		return -1;
	*has = text != NULL;
	if (!text || onchain_feerate_parse(s->chain, &s->policy->onchain, text, ret, err) == 0)
		return 0;
	return err_field(err, name);
}

static int default_max(const struct step *s, const struct lightning_status *st, struct splice_row *row, struct err *err)
{
	uint64_t v = feerate_sat_per_kwu(st->rates.splice);

	if (!st->told) {
		ERR(err, ERR_PEER_DOWN, "the Lightning node has not told what splices cost now");
		err_hint(err, "give max_feerate");
		return err_field(err, "max_feerate");
	}
	if (!feerate_from_sat_per_kwu(v + v / 2, &row->max_rate))
		return ERR(err, ERR_FEE, "the node's estimate is out of range");
	row->max_rate = feerate_max(row->max_rate, st->rates.floor);
	if (row->has_rate)
		row->max_rate = feerate_max(row->max_rate, row->rate);
	if (feerate_cmp(row->max_rate, s->policy->onchain.max_feerate) > 0)
		row->max_rate = s->policy->onchain.max_feerate;
	return 0;
}

static int read_deadline(const struct step *s, const json_t *params, struct splice_row *row, struct err *err)
{
	uint64_t seconds = UINT64_MAX;
	int64_t ms = s->policy->splice.deadline_ms;

	if (json_opt_u64(params, "deadline_s", 2592000, &seconds, err) != 0)
		return -1;
	if (seconds != UINT64_MAX)
		ms = (int64_t)seconds * 1000;
	row->deadline_ms = ms > 0 ? s->now_ms + ms : 0;
	return 0;
}

/* The node chooses what is paid, and tells nobody: a limit would be a promise that nobody keeps.  What row->max_rate has then is
 * what a transaction may have paid to be taken for the splice's. */
static int no_limits(const struct step *s, const json_t *params, struct splice_row *row, struct err *err)
{
	static const char *const names[] = { "feerate", "max_feerate", "max_fee_sat" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_get(params, names[i])) {
			ERR(err, ERR_NODE_CANNOT,
			    "%s chooses the feerate of a splice itself, and keeps to no limit of ours",
			    splice_backend(s)->name);
			err_hint(err, "leave %s out", names[i]);
			return err_field(err, names[i]);
		}
	row->max_rate = s->policy->onchain.max_feerate;
	return read_deadline(s, params, row, err);
}

static int read_limits(const struct step *s, const json_t *params, const struct lightning_status *st,
		       struct splice_row *row, struct err *err)
{
	uint64_t max_fee = 0;
	bool has_max;

	if (!(splice_backend(s)->caps & LN_FEERATE))
		return no_limits(s, params, row, err);
	if (rate_param(s, params, "feerate", &row->has_rate, &row->rate, err) != 0 ||
	    rate_param(s, params, "max_feerate", &has_max, &row->max_rate, err) != 0 ||
	    json_opt_u64(params, "max_fee_sat", SAT_MONEY_MAX, &max_fee, err) != 0 ||
	    read_deadline(s, params, row, err) != 0)
		return -1;
	row->has_max_fee = max_fee > 0;
	if (!sat_from_u64(max_fee, &row->max_fee))
		return ERR(err, ERR_RANGE, "max_fee_sat");
	if (!has_max && default_max(s, st, row, err) != 0)
		return -1;
	if (st->told && feerate_cmp(row->max_rate, st->rates.floor) < 0) {
		ERR(err, ERR_FEE, "the Lightning node takes no splice at so low a feerate");
		return err_field(err, has_max ? "max_feerate" : "feerate");
	}
	if (!row->has_rate || feerate_cmp(row->rate, row->max_rate) <= 0)
		return 0;
	ERR(err, ERR_FEE, "feerate is above max_feerate");
	return err_field(err, "feerate");
}

/* --- amounts --- */

static int dust(struct sat least, struct err *err)
{
	ERR(err, ERR_DUST, "it must be %" PRIu64 " sat at least", sat_value(least));
	return err_field(err, "amount_sat");
}

static int too_little(const char *where, struct sat has, struct err *err)
{
	ERR(err, ERR_FUNDS, "%s has %" PRIu64 " sat that could be used", where, sat_value(has));
	return err_field(err, "amount_sat");
}

/* The fee of a splice that adds so much to the least that there is, at the row's rate or the node's, or else the highest. */
static struct sat likely_fee(const struct step *s, const struct splice_row *row, const struct lightning_status *st,
			     struct weight added)
{
	struct feerate rate = row->has_rate ? row->rate : st->told ? st->rates.splice : row->max_rate;
	struct sat fee = { 0 };

	if (feerate_cmp(rate, row->max_rate) > 0)
		rate = row->max_rate;
	if (!(splice_backend(s)->caps & LN_FEERATE) || !splice_out_fee(rate, added, &fee))
		return (struct sat){ 0 };
	return fee;
}

static int in_amount(const json_t *params, const struct lightning_status *st, struct splice_row *row, struct err *err)
{
	const struct spk change = spk_p2tr(&(struct xonly){ { 0 } });
	struct sat least = policy_dust(spk_bytes(&change));
	uint64_t v = 0;

	if (json_opt_bool(params, "all", &row->everything, err) != 0 ||
	    json_opt_u64(params, "amount_sat", SAT_MONEY_MAX, &v, err) != 0)
		return -1;
	if (row->everything == (v > 0)) {
		ERR(err, ERR_PARAM, "give either amount_sat or all");
		return err_field(err, v > 0 ? "all" : "amount_sat");
	}
	if (st->told && sat_cmp(st->wallet, least) < 0)
		return too_little("the Lightning node's wallet", st->wallet, err);
	if (row->everything)
		return 0;
	row->has_amount = true;
	if (!sat_from_u64(v, &row->amount))
		return ERR(err, ERR_RANGE, "amount_sat");
	if (sat_cmp(row->amount, least) < 0)
		return dust(least, err);
	return st->told && sat_cmp(row->amount, st->wallet) > 0
		       ? too_little("the Lightning node's wallet", st->wallet, err)
		       : 0;
}

/* Where a splice out pays: resolved once, and the same in every round. */
static int out_script(struct step *s, const json_t *params, struct splice_output *ret, struct err *err)
{
	struct spk *spk = ARENA_NEW(s->arena, struct spk);
	const char *address = NULL;
	json_t *own;

	if (json_opt_str(params, "address", 100, &address, err) != 0)
		return -1;
	if (!address) {
		if (onchain_address_new(s->unit, s->arena, s->policy->onchain.network, "splice", s->now_ms, &own,
					err) != 0)
			return -1;
		address = json_string_value(json_object_get(own, "address"));
	}
	if (address_parse(address, s->policy->onchain.network, spk, err) != 0)
		return err_field(err, "address");
	json_set_str(s->plan, "address", address);
	ret->script = spk_bytes(spk);
	return 0;
}

/* What our side of the channel can do without. */
static struct sat spendable(const struct channel_row *c)
{
	struct sat local, ret = { 0 };

	if (!sat_from_u64(msat_value(c->local) / 1000, &local) || !sat_sub(local, c->reserve, &ret))
		return (struct sat){ 0 };
	return ret;
}

static int out_amount(struct step *s, const json_t *params, const struct channel_row *c, struct splice_row *row,
		      struct splice_output *ret, struct err *err)
{
	struct sat least, whole, has = spendable(c);
	uint64_t v;

	if (json_get_u64(params, "amount_sat", SAT_MONEY_MAX, &v, err) != 0) {
		ERR(err, ERR_PARAM, "amount_sat is missing");
		return err_field(err, "amount_sat");
	}
	if (!sat_from_u64(v, &row->amount))
		return ERR(err, ERR_RANGE, "amount_sat");
	if (out_script(s, params, ret, err) != 0)
		return -1;
	row->has_amount = true;
	ret->amount = row->amount;
	least = policy_dust(ret->script);
	if (sat_cmp(row->amount, least) < 0)
		return dust(least, err);
	if (!row->has_max_fee)
		return sat_cmp(row->amount, has) < 0 ? 0 : too_little("our side of the channel", has, err);
	if (!sat_add(row->amount, row->max_fee, &whole) || sat_cmp(whole, has) > 0)
		return too_little("our side of the channel", has, err);
	return 0;
}

/* --- the intent --- */

/* Of one as a whole, submissions. */
static uint32_t max_attempts(const struct step *s)
{
	uint32_t n = s->policy->splice.attempts;

	return splice_is_whole(s) && n > SPLICE_HANDED_MAX ? SPLICE_HANDED_MAX : n;
}

static struct splice_row intent_of(const struct step *s, const struct channel_row *c, enum splice_kind kind)
{
	struct splice_row row = {
		.action = s->row.id,
		.channel = c->id,
		.alt_ref = c->alt_ref,
		.peer = c->peer,
		.base = c->funding,
		.base_capacity = c->capacity,
		.base_local = c->local,
		.kind = kind,
		.active = kind,
		.max_attempts = max_attempts(s),
		.max_disconnects = s->policy->splice.disconnects,
		.created_at_ms = s->now_ms,
	};

	rng_bytes(row.id.b, sizeof(row.id.b));
	return row;
}

/* What is known when nobody tells the fee: fee is 0 then. */
static void show_fee(struct step *s, const struct splice_row *row, struct sat fee)
{
	if (splice_backend(s)->caps & LN_FEERATE) {
		json_set_u64(s->plan, "fee_sat", sat_value(fee));
		onchain_set_rate(s->plan, "max_feerate", row->max_rate);
		return;
	}
	json_set_take(s->plan, "fee_sat", json_null());
	json_set_take(s->plan, "max_feerate", json_null());
	json_set_str(s->plan, "weaker_guarantees", splice_backend(s)->guarantees);
}

static void show_plan(struct step *s, const struct splice_row *row, struct sat fee)
{
	struct sat out = fee;

	splice_set_id(s->plan, "splice_id", &row->id);
	splice_set_id(s->plan, "channel", &row->channel);
	if (row->has_amount)
		json_set_u64(s->plan, "amount_sat", sat_value(row->amount));
	show_fee(s, row, fee);
	/* What goes into the channel stays the operator's; what is paid out of it may not. */
	if (row->active == SPLICE_OUT && !sat_add(row->amount, fee, &out))
		out = row->amount;
	json_set_u64(s->plan, "spend_sat", sat_value(out));
}

static int begin(struct step *s, const struct splice_row *row, const struct splice_output *out, size_t n_out,
		 struct err *err)
{
	struct splice *m = s->checkpoint;
	json_t *data = json_object_in(s->arena);

	m->id = row->id;
	m->has_wish = row->has_rate;
	m->wish = row->rate;
	s->row.peer = "lightning";
	if (splice_store_add(s->unit, row, out, n_out, s->now_ms, err) != 0 ||
	    funding_watch(s->unit, &row->id, &row->base, 0, s->now_ms, err) != 0)
		return -1;
	splice_set_id(data, "channel", &row->channel);
	json_set_str(data, "kind", splice_kind_name(row->kind));
	if (row->has_amount)
		json_set_u64(data, "amount_sat", sat_value(row->amount));
	return splice_tell(s, "splice.accepted", data, err) == 0 ? SPLICING_PROBE : -1;
}

int splice_in_start(struct step *s, const json_t *params, struct err *err)
{
	struct lightning_status st;
	struct channel_row channel;
	struct splice_row row;

	s->checkpoint = ARENA_NEW(s->arena, struct splice);
	if (need_node(s, err) != 0)
		return -1;
	lightning_status(s->lightning, &st);
	if (find_channel(s, params, &st, &channel, err) != 0)
		return -1;
	row = intent_of(s, &channel, SPLICE_IN);
	if (read_limits(s, params, &st, &row, err) != 0 || in_amount(params, &st, &row, err) != 0)
		return -1;
	/* One taproot input and a change output. */
	show_plan(s, &row, likely_fee(s, &row, &st, (struct weight){ 230 + 172 }));
	return begin(s, &row, NULL, 0, err);
}

int splice_out_start(struct step *s, const json_t *params, struct err *err)
{
	struct splice_output out = { 0 };
	struct lightning_status st;
	struct channel_row channel;
	struct splice_row row;

	s->checkpoint = ARENA_NEW(s->arena, struct splice);
	if (need_node(s, err) != 0)
		return -1;
	lightning_status(s->lightning, &st);
	if (find_channel(s, params, &st, &channel, err) != 0)
		return -1;
	row = intent_of(s, &channel, SPLICE_OUT);
	if (read_limits(s, params, &st, &row, err) != 0 || out_amount(s, params, &channel, &row, &out, err) != 0)
		return -1;
	show_plan(s, &row, likely_fee(s, &row, &st, (struct weight){ 4 * (9 + out.script.n) }));
	return begin(s, &row, &out, 1, err);
}

/* --- a bump --- */

static int find_splice(const struct step *s, const json_t *params, struct splice_row *ret, struct err *err)
{
	const char *text = NULL;
	struct action_id action;
	struct hash32 channel;
	bool by_channel = json_object_get(params, "channel") != NULL;
	int found;

	if (json_opt_str(params, "id", ACTION_ID_MAX, &text, err) != 0)
		return -1;
	if (by_channel == (text != NULL)) {
		ERR(err, ERR_PARAM, "give either channel or id");
		return err_field(err, by_channel ? "id" : "channel");
	}
	if (by_channel && channel_param(params, &channel, err) != 0)
		return -1;
	if (!by_channel && !action_id_parse(text, &action)) {
		ERR(err, ERR_PARAM, "this is no id of an action");
		return err_field(err, "id");
	}
	found = by_channel ? splice_store_of_channel(s->view, s->arena, &channel, ret, err)
			   : splice_store_of_action(s->view, s->arena, &action, ret, err);
	if (found > 0)
		return 0;
	if (found == 0) {
		ERR(err, ERR_NOTHING_TO_BUMP, "no splice is under way there");
		err_hint(err, "channel.list");
		err_field(err, by_channel ? "channel" : "id");
	}
	return -1;
}

/* The newest candidate of ours that waits for a block, and the highest feerate of any. */
static int find_candidate(const struct step *s, const struct splice_row *row, const struct funding_candidate **ret,
			  struct feerate *ret_highest, struct err *err)
{
	struct funding_candidate *c;
	size_t n;

	*ret = NULL;
	*ret_highest = (struct feerate){ 0 };
	if (funding_store_candidates(s->view, s->arena, &row->id, &c, &n, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (c[i].state == CANDIDATE_CONFIRMED || c[i].state == CANDIDATE_LOCKED)
			return ERR(err, ERR_NOTHING_TO_BUMP, "a block has its transaction already");
		if (!candidate_is_out(c[i].state))
			continue;
		if (c[i].has_rate)
			*ret_highest = feerate_max(*ret_highest, c[i].rate);
		if (c[i].origin == CANDIDATE_OURS)
			*ret = &c[i];
	}
	return *ret ? 0 : ERR(err, ERR_NOTHING_TO_BUMP, "it has no transaction yet that could be replaced");
}

static int check_bump_rate(const struct splice_row *row, struct feerate highest, struct err *err)
{
	struct feerate least;
	char text[FEERATE_TEXT_MAX];

	if (!splice_bump_min(highest, &least))
		return ERR(err, ERR_FEE, "its feerate can be raised no more");
	feerate_text(least, text);
	if (row->has_rate && feerate_cmp(row->rate, least) < 0) {
		ERR(err, ERR_FEE, "a bump must pay %s sat/vB at least: 25/24 of what it replaces", text);
		return err_field(err, "feerate");
	}
	if (feerate_cmp(row->max_rate, least) >= 0)
		return 0;
	ERR(err, ERR_FEE, "a bump takes %s sat/vB at least, and max_feerate is lower", text);
	return err_field(err, "max_feerate");
}

int splice_bump_start(struct step *s, const json_t *params, struct err *err)
{
	struct splice *m = ARENA_NEW(s->arena, struct splice);
	const struct funding_candidate *replaced;
	struct lightning_status st;
	struct splice_row row;
	struct feerate highest;
	json_t *data = json_object_in(s->arena);

	s->checkpoint = m;
	if (need_node(s, err) != 0)
		return -1;
	if (!(splice_backend(s)->caps & LN_RBF))
		return ERR(err, ERR_NODE_CANNOT, "%s cannot raise the fee of a splice when it is asked to",
			   splice_backend(s)->name);
	if (find_splice(s, params, &row, err) != 0)
		return -1;
	if (row.active == SPLICE_BUMP) {
		ERR(err, ERR_SPLICE_LIVE, "a bump of this splice is under way: action %s", row.bump_action.s);
		return err_hint(err, "action.cancel %s", row.bump_action.s);
	}
	lightning_status(s->lightning, &st);
	if (find_candidate(s, &row, &replaced, &highest, err) != 0 || read_limits(s, params, &st, &row, err) != 0 ||
	    check_bump_rate(&row, highest, err) != 0)
		return -1;
	m->id = row.id;
	m->is_bump = true;
	m->has_wish = row.has_rate;
	m->wish = row.rate;
	s->row.peer = "lightning";
	row.active = SPLICE_BUMP;
	row.bump_of_round = replaced->round;
	row.bump_action = s->row.id;
	row.attempts = row.disconnects = 0;
	row.wait = SPLICE_WAIT_NONE;
	row.fail_class = SPLICE_FINE;
	if (splice_store_save(s->unit, &row, s->now_ms, err) != 0)
		return -1;
	show_plan(s, &row, likely_fee(s, &row, &st, (struct weight){ 230 + 172 }));
	json_set_int(s->plan, "round", replaced->round + 1);
	onchain_set_txid(s->plan, "replaces", &replaced->txid);
	onchain_set_txid(data, "replaces", &replaced->txid);
	return splice_tell(s, "splice.accepted", data, err) == 0 ? SPLICING_PROBE : -1;
}
