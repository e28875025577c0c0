/* actions/splice.c - the kinds splice_in, splice_out and splice_bump: their states, their checkpoint, and what people are
 * told of them. */
#include "actions/splice.h"

#include <inttypes.h>
#include <string.h>

#include "actions/kinds.h"
#include "actions/splice_show.h"
#include "base/text.h"
#include "store/event_store.h"

/* --- the checkpoint --- */

static void save_hash(struct arena *a, json_t *cp, const char *name, const uint8_t b[32])
{
	json_set_str(cp, name, hex_text(a, (struct bytes){ b, 32 }));
}

static void save_round(struct arena *a, json_t *cp, const struct splice *m)
{
	json_t *ours = json_array_in(a);

	for (size_t i = 0; i < m->n_ours; i++)
		json_add_take(ours, json_integer(m->ours[i]));
	json_set(cp, "ours", ours);
	json_set_u64(cp, "weight", weight_value(m->weight));
	json_set_u64(cp, "share", sat_value(m->share));
	json_set_str(cp, "psbt", m->psbt);
	json_set_bool(cp, "opened", m->opened);
	json_set_bool(cp, "begun", m->begun);
	json_set_u64(cp, "finishes", m->finishes);
	json_set_bool(cp, "final", m->final);
	json_set_bool(cp, "peer_signed", m->has_peer_signatures);
	json_set_bool(cp, "signed", m->has_signed);
	json_set_u64(cp, "updates", m->updates);
	save_hash(a, cp, "txid", m->txid.b);
	json_set_u64(cp, "vout", m->vout);
	json_set_u64(cp, "fee", sat_value(m->fee));
}

static json_t *splice_save(struct step *s)
{
	const struct splice *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	save_hash(s->arena, cp, "splice", m->id.b);
	json_set_bool(cp, "bump", m->is_bump);
	if (m->has_wish)
		json_set_u64(cp, "wish", feerate_sat_per_kwu(m->wish));
	save_round(s->arena, cp, m);
	json_set_u64(cp, "handed", m->handed);
	json_set_int(cp, "there_ms", m->there_ms);
	json_set_int(cp, "looked_ms", m->looked_ms);
	json_set_int(cp, "last", m->last);
	json_set_bool(cp, "undecided", m->undecided);
	json_set_int(cp, "count", m->count);
	json_set_int(cp, "spent", m->spent);
	json_set_u64(cp, "waits", m->waits);
	json_set_u64(cp, "busy", m->busy);
	json_set_u64(cp, "refusals", m->refusals);
	json_set_u64(cp, "aborts", m->aborts);
	json_set_bool(cp, "probed", m->probed);
	json_set_bool(cp, "stalled", m->stalled);
	json_set_int(cp, "after", m->after);
	json_set_bool(cp, "cancelling", m->cancelling);
	json_set_bool(cp, "ended", m->ended);
	json_set_int(cp, "why", m->why);
	json_set_str(cp, "text", m->text);
	json_set_int(cp, "quiet_until_ms", m->quiet_until_ms);
	json_set_u64(cp, "held_at", m->held_at);
	json_set_u64(cp, "short_by", m->short_by);
	save_hash(s->arena, cp, "sending", m->sending.b);
	json_set_int(cp, "sent_at_ms", m->sent_at_ms);
	return cp;
}

static int load_hash(const json_t *cp, const char *name, uint8_t ret[32], struct err *err)
{
	const char *text;

	if (json_get_str(cp, name, 64, &text, err) != 0)
		return -1;
	return hex_decode(text, ret, 32) ? 0 : ERR(err, ERR_PARSE, "%s is no hash", name);
}

static int load_u32(const json_t *cp, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(cp, name, UINT32_MAX, &v, err) != 0)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

static int load_sat(const json_t *cp, const char *name, struct sat *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(cp, name, SAT_MONEY_MAX, &v, err) != 0)
		return -1;
	return sat_from_u64(v, ret) ? 0 : ERR(err, ERR_PARSE, "%s is no amount", name);
}

static int load_ours(struct step *s, const json_t *cp, struct splice *m, struct err *err)
{
	json_t *list;

	if (json_get_arr(cp, "ours", SPLICE_INPUTS_MAX, &list, err) != 0)
		return -1;
	m->n_ours = json_array_size(list);
	m->ours = ARENA_ARRAY(s->arena, m->n_ours + 1, uint32_t);
	for (size_t i = 0; i < m->n_ours; i++)
		m->ours[i] = (uint32_t)json_integer_value(json_array_get(list, i));
	return 0;
}

static int load_round(struct step *s, const json_t *cp, struct splice *m, struct err *err)
{
	uint64_t weight;

	if (load_ours(s, cp, m, err) != 0 || json_get_u64(cp, "weight", UINT32_MAX, &weight, err) != 0 ||
	    load_sat(cp, "share", &m->share, err) != 0 ||
	    json_opt_str(cp, "psbt", LN_PSBT_TEXT_MAX, &m->psbt, err) != 0 ||
	    json_get_bool(cp, "opened", &m->opened, err) != 0 || json_get_bool(cp, "begun", &m->begun, err) != 0 ||
	    load_u32(cp, "finishes", &m->finishes, err) != 0 || json_get_bool(cp, "final", &m->final, err) != 0 ||
	    json_get_bool(cp, "peer_signed", &m->has_peer_signatures, err) != 0 ||
	    load_u32(cp, "updates", &m->updates, err) != 0 || load_hash(cp, "txid", m->txid.b, err) != 0 ||
	    load_u32(cp, "vout", &m->vout, err) != 0 || load_sat(cp, "fee", &m->fee, err) != 0)
		return -1;
	m->weight = (struct weight){ weight };
	return 0;
}

static int load_troubles(const json_t *cp, struct splice *m, struct err *err)
{
	uint32_t last, count, spent, after, why;

	if (load_u32(cp, "last", &last, err) != 0 || json_get_bool(cp, "undecided", &m->undecided, err) != 0 ||
	    load_u32(cp, "count", &count, err) != 0 || load_u32(cp, "spent", &spent, err) != 0 ||
	    load_u32(cp, "waits", &m->waits, err) != 0 || load_u32(cp, "busy", &m->busy, err) != 0 ||
	    load_u32(cp, "refusals", &m->refusals, err) != 0 || load_u32(cp, "aborts", &m->aborts, err) != 0 ||
	    json_get_bool(cp, "probed", &m->probed, err) != 0 || json_get_bool(cp, "stalled", &m->stalled, err) != 0 ||
	    load_u32(cp, "after", &after, err) != 0 || json_get_bool(cp, "cancelling", &m->cancelling, err) != 0 ||
	    json_get_bool(cp, "ended", &m->ended, err) != 0 || load_u32(cp, "why", &why, err) != 0 ||
	    json_opt_str(cp, "text", SPLICE_MESSAGE_MAX, &m->text, err) != 0)
		return -1;
	m->last = (enum splice_class)last;
	m->count = (enum splice_count)count;
	m->spent = (enum splice_count)spent;
	m->after = (enum splice_after)after;
	m->why = (enum splice_class)why;
	return 0;
}

/* Checkpoints of before know nothing of these: then reservations are looked at, and what is signed is offered, at once. */
static int load_upkeep(const json_t *cp, struct splice *m, struct err *err)
{
	uint64_t held_at = 0, short_by = 0;

	m->has_signed = m->n_ours > 0; /* none was fixed without */
	if (json_opt_bool(cp, "signed", &m->has_signed, err) != 0 ||
	    json_opt_u64(cp, "held_at", UINT32_MAX, &held_at, err) != 0 ||
	    json_opt_u64(cp, "short_by", LN_RESERVE_BLOCKS, &short_by, err) != 0 ||
	    json_opt_i64(cp, "quiet_until_ms", &m->quiet_until_ms, err) != 0 ||
	    json_opt_i64(cp, "sent_at_ms", &m->sent_at_ms, err) != 0)
		return -1;
	m->held_at = (uint32_t)held_at;
	m->short_by = (uint32_t)short_by;
	return json_object_get(cp, "sending") ? load_hash(cp, "sending", m->sending.b, err) : 0;
}

/* Of a splice that began before there were any, nothing. */
static int load_whole(const json_t *cp, struct splice *m, struct err *err)
{
	uint64_t handed = 0, there = 0, looked = 0;

	if (json_opt_u64(cp, "handed", SPLICE_HANDED_MAX, &handed, err) != 0 ||
	    json_opt_u64(cp, "there_ms", INT64_MAX, &there, err) != 0 ||
	    json_opt_u64(cp, "looked_ms", INT64_MAX, &looked, err) != 0)
		return -1;
	m->handed = (uint32_t)handed;
	m->there_ms = (int64_t)there;
	m->looked_ms = (int64_t)looked;
	return 0;
}

static int load_wish(const json_t *cp, struct splice *m, struct err *err)
{
	uint64_t v = 0;

	if (json_opt_u64(cp, "wish", FEERATE_MAX, &v, err) != 0)
		return -1;
	m->has_wish = v > 0;
	return feerate_from_sat_per_kwu(v, &m->wish) ? 0 : ERR(err, ERR_PARSE, "wish is no feerate");
}

static int splice_load(struct step *s, const json_t *cp, struct err *err)
{
	struct splice *m = ARENA_NEW(s->arena, struct splice);

	s->checkpoint = m;
	if (load_hash(cp, "splice", m->id.b, err) != 0 || json_get_bool(cp, "bump", &m->is_bump, err) != 0 ||
	    load_wish(cp, m, err) != 0 || load_whole(cp, m, err) != 0 || load_round(s, cp, m, err) != 0)
		return -1;
	return load_troubles(cp, m, err) != 0 ? -1 : load_upkeep(cp, m, err);
}

/* --- what the others share --- */

int splice_row_of(struct step *s, struct splice_row *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	int found = splice_store_get(s->view, s->arena, &m->id, ret, err);

	if (found < 0)
		return -1;
	/* A bump that another has taken the place of is over, too. */
	return found > 0 && (!m->is_bump || action_id_equal(&ret->bump_action, &s->row.id)) ? 1 : 0;
}

int splice_row_or_over(struct step *s, struct splice_row *ret, struct outcome *ret_over, struct err *err)
{
	int living = splice_row_of(s, ret, err);

	if (living > 0)
		return 0;
	*ret_over = living < 0 ? outcome_trouble(err) : outcome_next(SPLICING_CLEANED);
	return -1;
}

int splice_row_to_ask(struct step *s, struct splice_row *ret, struct err *err)
{
	int living = splice_row_of(s, ret, err);

	return living > 0 ? 0 : living < 0 ? -1 : NOTHING_TO_ASK;
}

int splice_ask_about(struct step *s,
		     int (*request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				    struct net_request *ret, struct err *err),
		     struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);
	struct splice_row row;
	struct ln_ref ref;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	ref = splice_ref(&row);
	return request(s->arena, &node, &ref, ret, err);
}

struct ln_node splice_node(const struct step *s)
{
	struct ln_node node = *s->policy->splice.node;

	node.call = arena_printf(s->arena, "wd:%s:%" PRId64, s->row.id.s, s->row.version);
	node.now_s = s->now_ms / 1000;
	return node;
}

bool splice_is_whole(const struct step *s)
{
	return (splice_backend(s)->caps & LN_STAGED) == 0;
}

const struct ln_backend *splice_backend(const struct step *s)
{
	return s->policy->splice.backend;
}

struct ln_ref splice_ref(const struct splice_row *row)
{
	return (struct ln_ref){ .channel = row->channel, .peer = row->peer, .alt = row->alt_ref };
}

int splice_tell(struct step *s, const char *event, json_t *data, struct err *err)
{
	const struct splice *m = s->checkpoint;

	json_set_str(data, "action_id", s->row.id.s);
	json_set_str(data, "scope", m->is_bump ? "bump" : "splice");
	return event_append(s->unit, event, hex_text(s->arena, (struct bytes){ m->id.b, sizeof(m->id.b) }),
			    json_text(s->arena, data), err);
}

/* --- hooks --- */

static json_t *splice_progress(struct step *s, bool secrets)
{
	const struct splice *m = s->checkpoint;
	struct splice_row row;
	struct err ignored; /* an extra */
	json_t *v;

	(void)secrets;
	if (splice_store_get(s->view, s->arena, &m->id, &row, &ignored) > 0 &&
	    splice_json(s->view, s->arena, s->policy->onchain.network, &row, &v, &ignored) == 0)
		return v;
	v = json_object_in(s->arena);
	splice_set_id(v, "splice_id", &m->id);
	return v;
}

static const char *of_wait(enum splice_wait why)
{
	switch (why) {
	case SPLICE_WAIT_NONE:
		break;
	case SPLICE_WAIT_PEER_OFFLINE:
		return "The channel's peer is away; it is tried again until the deadline.";
	case SPLICE_WAIT_FOREIGN_SPLICE:
		return "Another splice of this channel is under way at the node; this one waits until that is locked.";
	case SPLICE_WAIT_NODE_BUSY:
		return "The node is busy with another splice command on this channel, or one hangs. If it stays so, restart"
		       " the node.";
	case SPLICE_WAIT_LOW_FUNDS:
		return "The node's wallet has too little for it just now; deposit there, or action.cancel.";
	case SPLICE_WAIT_FEERATE_CAP:
		return "It would cost more than was allowed; it waits for a quieter hour until its deadline.";
	case SPLICE_WAIT_NODE_UNREACHABLE:
		return "The Lightning node cannot be reached, or is not up to date with its chain.";
	case SPLICE_WAIT_HTLC_OR_STFU:
		return "The channel does not become quiet: payments are under way in it.";
	case SPLICE_WAIT_PEER_SIGNATURES:
		return "The peer's signatures are awaited.";
	case SPLICE_WAIT_CONFIRMATION:
		return "Its transaction is on its way; it waits for blocks and for the peer. splice_bump pays more.";
	}
	return NULL;
}

/* What a node that takes it as a whole cannot do, or does not tell. */
static const char *of_whole(enum splice_wait why)
{
	if (why == SPLICE_WAIT_PEER_SIGNATURES)
		return "The node has it, and its transaction has not been seen yet; if that stays so, it is asked for once"
		       " more.";
	if (why == SPLICE_WAIT_CONFIRMATION)
		return "A transaction spends the channel's funding; it waits for blocks and for the peer.";
	return of_wait(why);
}

static const char *splice_explain(struct step *s)
{
	struct splice_row row;
	struct err ignored; /* an extra */

	if (splice_row_of(s, &row, &ignored) > 0 && row.active == SPLICE_NONE && row.fail_class == SPLICE_FEE_LOW)
		return "No mempool takes its newest transaction. A splice_bump that pays more takes its place.";
	if (splice_is_whole(s) && splice_row_of(s, &row, &ignored) > 0 && of_whole(row.wait))
		return of_whole(row.wait);
	if (splice_row_of(s, &row, &ignored) > 0 && of_wait(row.wait))
		return of_wait(row.wait);
	if (s->row.state >= SPLICING_OPEN && s->row.state <= SPLICING_SIGN)
		return "It is being negotiated with the peer; what is lost with a connection is begun again.";
	if (s->row.state >= SPLICING_COMMIT && s->row.state <= SPLICING_FINISH)
		return "Its transaction is fixed and its candidate recorded; signatures are being exchanged.";
	if (s->row.state == SPLICING_AWAIT_LOCK || s->row.state == SPLICING_SEND)
		return of_wait(SPLICE_WAIT_CONFIRMATION);
	if (s->row.state >= SPLICING_LOOK_BEFORE && s->row.state <= SPLICING_CLEANED)
		return "A round that came to nothing is being cleaned up.";
	return "It is asked of the node what there is of it.";
}

/* Nothing that the node says ends it but through splice_probe(): those that read its answers have said what to do. */
static struct outcome splice_rejected(struct step *s, const struct err *why, struct err *err)
{
	(void)err;
	return outcome_retry(s, why);
}

static const struct state_def states[SPLICING_STATES] = {
	[SPLICING_PROBE] = { .name = "probing",
			     .enter = splice_probe_enter,
			     .reply = splice_probe_reply,
			     .cancellable = true },
	[SPLICING_LOOK] = { .name = "looking",
			    .enter = splice_look_enter,
			    .reply = splice_look_reply,
			    .cancellable = true },
	[SPLICING_LOOK_CLOSED] = { .name = "looking_closed",
				   .enter = splice_closed_enter,
				   .reply = splice_closed_reply,
				   .cancellable = true },
	[SPLICING_CONNECT] = { .name = "connecting",
			       .enter = splice_connect_enter,
			       .reply = splice_connect_reply,
			       .cancellable = true },
	[SPLICING_RATES] = { .name = "rates",
			     .enter = splice_rates_enter,
			     .reply = splice_rates_reply,
			     .resume_at = SPLICING_PROBE,
			     .cancellable = true },
	[SPLICING_BUILD] = { .name = "building",
			     .enter = splice_build_enter,
			     .reply = splice_build_reply,
			     .resume_at = SPLICING_PROBE,
			     .cancellable = true },
	[SPLICING_OPEN] = { .name = "opening",
			    .prepare = splice_open_prepare,
			    .enter = splice_open_enter,
			    .reply = splice_open_reply,
			    .resume_at = SPLICING_PROBE,
			    .cancellable = true },
	[SPLICING_UPDATE] = { .name = "updating",
			      .enter = splice_update_enter,
			      .reply = splice_update_reply,
			      .resume_at = SPLICING_PROBE,
			      .cancellable = true },
	[SPLICING_VERIFY] = { .name = "verifying",
			      .enter = splice_verify_enter,
			      .reply = splice_verify_reply,
			      .resume_at = SPLICING_PROBE,
			      .cancellable = true },
	[SPLICING_SIGN] = { .name = "signing",
			    .enter = splice_sign_enter,
			    .reply = splice_sign_reply,
			    .resume_at = SPLICING_PROBE,
			    .cancellable = true },
	[SPLICING_COMMIT] = { .name = "committing",
			      .prepare = splice_commit_prepare,
			      .enter = splice_commit_enter,
			      .reply = splice_commit_reply,
			      .resume_at = SPLICING_PROBE,
			      .uncertain = true },
	[SPLICING_CHECK] = { .name = "checking",
			     .enter = splice_look_enter,
			     .reply = splice_check_reply,
			     .resume_at = SPLICING_PROBE,
			     .uncertain = true },
	[SPLICING_FINISH] = { .name = "finishing",
			      .enter = splice_finish_enter,
			      .reply = splice_finish_reply,
			      .resume_at = SPLICING_PROBE,
			      .uncertain = true },
	[SPLICING_AWAIT_LOCK] = { .name = "awaiting_lock", .enter = splice_look_enter, .reply = splice_look_reply },
	[SPLICING_LOOK_BEFORE] = { .name = "looking_before_abort",
				   .enter = splice_look_enter,
				   .reply = splice_look_before_reply },
	[SPLICING_ABORT] = { .name = "aborting",
			     .enter = splice_abort_enter,
			     .reply = splice_abort_reply,
			     .resume_at = SPLICING_LOOK_BEFORE },
	[SPLICING_DISCONNECT] = { .name = "disconnecting",
				  .enter = splice_disconnect_enter,
				  .reply = splice_disconnect_reply,
				  .resume_at = SPLICING_LOOK_BEFORE },
	[SPLICING_RELEASE] = { .name = "releasing", .enter = splice_release_enter, .reply = splice_release_reply },
	[SPLICING_CLEANED] = { .name = "cleaned", .reply = splice_cleaned_reply },
	[SPLICING_HELD] = { .name = "looking_at_reservation", .enter = splice_held_enter, .reply = splice_held_reply },
	[SPLICING_RENEW] = { .name = "renewing_reservation",
			     .enter = splice_renew_enter,
			     .reply = splice_renew_reply,
			     .resume_at = SPLICING_HELD },
	[SPLICING_SEND] = { .name = "sending", .ask = splice_send_ask, .told = splice_send_told },
	[SPLICING_UNSPENT] = { .name = "looking_at_funding",
			       .ask = splice_unspent_ask,
			       .told = splice_unspent_told,
			       .resume_at = SPLICING_PROBE,
			       .cancellable = true },
};

#define SPLICE_KIND                                                                                                    \
	.states = states, .n_states = SPLICING_STATES, .keyless = true, .save = splice_save, .load = splice_load,      \
	.on_rejection = splice_rejected, .cancel = splice_cancel, .progress = splice_progress,                         \
	.explain = splice_explain

const struct action_kind splice_in_kind = {
	.name = "splice_in",
	.summary = "Put money of the Lightning node's wallet into one of its channels, and see it through to the lock.",
	.params = splice_in_params,
	.start = splice_in_start,
	SPLICE_KIND,
};

const struct action_kind splice_out_kind = {
	.name = "splice_out",
	.summary = "Pay on chain out of a channel of the Lightning node, and see it through to the lock.",
	.params = splice_out_params,
	.start = splice_out_start,
	SPLICE_KIND,
};

const struct action_kind splice_bump_kind = {
	.name = "splice_bump",
	.summary = "Raise the fee of a splice that waits for a block, under the same splice id.",
	.params = splice_bump_params,
	.start = splice_bump_start,
	SPLICE_KIND,
};
