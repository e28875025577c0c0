#include "outbox/operate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "outbox/delivery.h"
#include "outbox/directive_states.h"
#include "outbox/doctor.h"
#include "outbox/evidence.h"
#include "outbox/internal.h"
#include "outbox/show_text.h"
#include "outbox/signer.h"
#include "store/event_store.h"

#define AUDIT_TEXT_MAX 2000 /* bytes of a reason or a note that the event keeps */
#define PAUSE_TEXT_MAX 200

/* --- looking --- */

struct outbox_look {
	struct loop *loop;
	struct search *search; /* NULL: it could not begin, and `failed` is on its way */
	struct err failed;
	void (*done)(void *ctx, const struct evidence *e, const struct err *err);
	void *ctx;
};

static void look_end(struct outbox_look *look, const struct evidence *e, const struct err *err)
{
	look->done(look->ctx, e, err);
	free(look);
}

static void look_failed(void *ctx)
{
	struct outbox_look *look = ctx;

	look_end(look, NULL, &look->failed);
}

static void looked(void *ctx, const struct search_result *r, const struct err *err)
{
	struct evidence e;

	if (err) {
		look_end(ctx, NULL, err);
		return;
	}
	e = r->evidence;
	e.version = r->row.version;
	look_end(ctx, &e, NULL);
}

static void look_dropped(void *ctx)
{
	struct err err;

	ERR(&err, ERR_BUSY, "walletd stops");
	look_end(ctx, NULL, &err);
}

struct outbox_look *outbox_look(struct outbox *ob, int64_t seq, const struct hash32 *hint,
				void (*done)(void *ctx, const struct evidence *e, const struct err *err), void *ctx)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	struct search_request req = { .hint = hint, .final = true };
	struct outbox_look *look = calloc(1, sizeof(*look));
	const struct lane *l;

	if (!look)
		err_fatal("out of memory");
	look->loop = ob->opt.loop;
	look->done = done;
	look->ctx = ctx;
	if (directive_store_by_seq(store_view(ob->opt.store), &a, seq, &req.row, &look->failed) != 0) {
		loop_post(look->loop, look_failed, look);
		return look;
	}
	l = outbox_lane_of(ob, req.row.lane);
	req.revoker = l ? &l->address : NULL;
	look->search = search_start(ob, &req, (struct search_hooks){ looked, look_dropped, look });
	return look;
}

void outbox_look_cancel(struct outbox_look *look)
{
	if (look->search)
		search_cancel(look->search);
	else
		loop_unpost(look->loop, look_failed, look);
	free(look);
}

json_t *evidence_json(struct arena *a, const struct evidence *e)
{
	json_t *j = json_object_in(a);

	json_set_str(j, "verdict", evidence_verdict_name(e->verdict));
	json_set_bool(j, "nonce_used", e->verdict != EVIDENCE_UNUSED);
	json_set_number(j, "block", e->block);
	if (e->verdict == EVIDENCE_OWN || e->verdict == EVIDENCE_FOREIGN)
		json_set_str(j, "executed_digest", show_hash(a, &e->digest));
	if (e->verdict == EVIDENCE_REVOKED)
		json_set_bool(j, "revoked", true);
	if (e->verdict == EVIDENCE_OWN || e->verdict == EVIDENCE_FOREIGN || e->verdict == EVIDENCE_REVOKED)
		json_set_str(j, "tx_hash", show_hash(a, &e->tx_hash));
	return j;
}

/* --- what every change shares --- */

struct change {
	struct outbox *ob;
	struct arena *a;
	const struct outbox_operator *op;
	const struct evidence *e; /* or NULL */
	const char *note;         /* or NULL */
	struct moves m;
	json_t *before;
};

/* The event "outbox.audit": a change leaves one, in its own unit. */
static int audit(struct change *c, const char *subject, json_t *after, struct err *err)
{
	json_t *data = json_object_in(c->a);

	json_set_str(data, "who", c->op->who);
	json_set_str(data, "method", c->op->method);
	json_set_str(data, "reason", arena_strndup(c->a, c->op->reason, AUDIT_TEXT_MAX));
	if (c->note)
		json_set_str(data, "note", arena_strndup(c->a, c->note, AUDIT_TEXT_MAX));
	json_set(data, "before", c->before);
	json_set(data, "after", after);
	if (c->e)
		json_set(data, "evidence", evidence_json(c->a, c->e));
	if (event_append(c->m.u, "outbox.audit", subject, json_text(c->a, data), err) != 0)
		return -1;
	after_with_unit(&c->m.after, c->m.meters, c->m.u);
	return 0;
}

static int begin(struct change *c, struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		 struct err *err)
{
	if (op->reason[0] == '\0') {
		ERR(err, ERR_PARAM, "a reason is needed: it goes to the audit events");
		return err_field(err, "reason");
	}
	*c = (struct change){ .ob = ob, .a = a, .op = op, .m = moves_in(u, a, &ob->meters) };
	return 0;
}

/* --- directives --- */

static json_t *directive_state(struct arena *a, const struct directive_row *row)
{
	json_t *j = json_object_in(a);

	json_set_str(j, "delivery_status", delivery_status_name(row->status));
	json_set_u64(j, "nonce", row->nonce);
	json_set_int(j, "nonce_generation", row->generation);
	json_set_str(j, "reason_class", row->reason_class);
	return j;
}

/* Only what waits for a person may be decided by one. */
static int check_status(const struct directive_row *row, struct err *err)
{
	if (row->status == DELIVERY_MANUAL || row->status == DELIVERY_REVERTED || row->status == DELIVERY_DEAD_LETTERED)
		return 0;
	ERR(err, ERR_ILLEGAL_STATE,
	    "directive %s is %s; this is for what is manual_reconciliation, reverted or dead_lettered", row->id,
	    delivery_status_name(row->status));
	return err_hint(err, "directive.get");
}

/* What every decision about a directive begins with: may this be decided, and was it looked at as it is now? */
static int begin_directive(struct change *c, struct outbox *ob, struct unit *u, struct arena *a,
			   const struct outbox_operator *op, const struct directive_row *row, const struct evidence *e,
			   struct err *err)
{
	if (begin(c, ob, u, a, op, err) != 0 || check_status(row, err) != 0)
		return -1;
	if (e->version != row->version)
		return ERR(err, ERR_CONFLICT, "directive %s has moved since the chain was asked about it", row->id);
	c->e = e;
	c->before = directive_state(a, row);
	return 0;
}

static int end_directive(struct change *c, const struct directive_row *row, struct err *err)
{
	(void)FAILPOINT("outbox.decide");
	return audit(c, row->id, directive_state(c->a, row), err);
}

static const char *spent_how(const struct evidence *e)
{
	switch (e->verdict) {
	case EVIDENCE_UNUSED:
		return "is unused";
	case EVIDENCE_OWN:
		return "was spent by this very directive";
	case EVIDENCE_FOREIGN:
		return "was spent by another directive";
	case EVIDENCE_REVOKED:
		return "was revoked";
	case EVIDENCE_UNAVAILABLE:
		return "is used, and no log tells by whom";
	}
	return "is not known";
}

static int refuse(enum err_code code, const struct directive_row *row, const struct evidence *e, const char *hint,
		  struct err *err)
{
	ERR(err, code, "nonce %" PRIu64 " of directive %s %s (block %" PRIu64 ")", row->nonce, row->id, spent_how(e),
	    e->block);
	return err_hint(err, "%s", hint);
}

int outbox_retry(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		 struct directive_row *row, const struct evidence *e, struct err *err)
{
	struct change c;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0)
		return -1;
	if (e->verdict != EVIDENCE_UNUSED)
		return refuse(ERR_NONCE_USED, row, e,
			      e->verdict == EVIDENCE_OWN ? "directive.resolve with action=done"
							 : "directive.resolve with action=recheck and dry_run=true",
			      err);
	if (directive_reopen(&c.m, row, err) != 0)
		return -1;
	return end_directive(&c, row, err);
}

static int confirm_own(struct change *c, struct directive_row *row, struct err *err)
{
	struct effect effect = {
		.tx_hash = c->e->tx_hash, .block = c->e->block, .gas_used = c->e->gas_used, .gas_price = c->e->gas_price
	};

	row->tx_id = 0; /* whatever slot had it: this is by which transaction it was done */
	if (signer_keep(outbox_space_of(c->ob, row->space_id), row, c->m.u, c->m.now_ms, err) != 0 ||
	    directive_confirm(&c->m, row, &effect, NULL, err) != 0)
		return -1;
	return end_directive(c, row, err);
}

int outbox_resolve_done(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			struct directive_row *row, const struct evidence *e, const char *note, struct err *err)
{
	struct change c;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0)
		return -1;
	c.note = note;
	if (e->verdict == EVIDENCE_OWN)
		return confirm_own(&c, row, err);
	if (e->verdict == EVIDENCE_UNUSED)
		return refuse(ERR_NO_EVIDENCE, row, e, "directive.retry, or directive.resolve with action=revoke", err);
	if (!note || note[0] == '\0')
		return refuse(ERR_NO_EVIDENCE, row, e, "give tx_hash, or a note saying how it is known to be done",
			      err);
	row->tx_id = 0;
	if (directive_confirm(&c.m, row, NULL, REASON_OPERATOR_DONE, err) != 0)
		return -1;
	return end_directive(&c, row, err);
}

int outbox_recheck(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		   struct directive_row *row, const struct evidence *e, bool *ret_changed, struct err *err)
{
	struct change c;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0)
		return -1;
	if (e->verdict == EVIDENCE_OWN && confirm_own(&c, row, err) != 0)
		return -1;
	*ret_changed = e->verdict == EVIDENCE_OWN;
	return 0;
}

/* Its signature, which is good for whoever has it until the nonce is spent.  1 or 0, -1 when the store fails. */
static int was_signed(struct view v, const struct directive_row *row, struct signature_row *ret, struct err *err)
{
	if (signature_store_get(v, row->space_id, row->nonce, ret, err) == 0)
		return 1;
	return err->code == ERR_NOT_FOUND ? 0 : -1;
}

/* Can the old nonce never act again, and has it not acted for this directive? */
static int check_is_dead(const struct directive_row *row, const struct evidence *e, struct err *err)
{
	switch (e->verdict) {
	case EVIDENCE_FOREIGN:
	case EVIDENCE_REVOKED:
		return 0;
	case EVIDENCE_UNUSED:
		return refuse(ERR_NONCE_VALID, row, e, "directive.retry, or directive.resolve with action=revoke first",
			      err);
	case EVIDENCE_OWN:
		return refuse(ERR_ALREADY_EXECUTED, row, e, "directive.resolve with action=done", err);
	case EVIDENCE_UNAVAILABLE:
		break;
	}
	return refuse(ERR_NO_EVIDENCE, row, e, "add an endpoint that keeps old logs, then the same again", err);
}

static int retire_nonce(struct change *c, struct directive_row *row, struct err *err)
{
	struct nonce_history_row old = { .generation = row->generation,
					 .nonce = row->nonce,
					 .retired_at_ms = c->m.now_ms,
					 .evidence = json_text(c->a, evidence_json(c->a, c->e)),
					 .operator= c->op->who };
	struct signature_row sig;
	int is_signed = was_signed(unit_view(c->m.u), row, &sig, err);

	if (is_signed < 0)
		return -1;
	if (is_signed) {
		old.has_digest = true;
		old.digest = sig.digest;
	}
	if (nonce_history_add(c->m.u, row->seq, &old, err) != 0 ||
	    space_store_take_nonce(c->m.u, row->space_id, &row->nonce, err) != 0)
		return -1;
	row->generation++;
	return 0;
}

int outbox_resubmit(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		    struct directive_row *row, const struct evidence *e, struct err *err)
{
	struct change c;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0 || check_is_dead(row, e, err) != 0 ||
	    retire_nonce(&c, row, err) != 0 || directive_renew(&c.m, row, err) != 0)
		return -1;
	return end_directive(&c, row, err);
}

/* What was never signed cannot act, whoever used the nonce; unless it has acted all the same, and this database is an old
 * copy that does not know of the signature. */
static int may_be_abandoned(const struct directive_row *row, const struct evidence *e, bool is_signed, struct err *err)
{
	return is_signed || e->verdict == EVIDENCE_OWN ? check_is_dead(row, e, err) : 0;
}

int outbox_abandon(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		   struct directive_row *row, const struct evidence *e, struct err *err)
{
	struct signature_row sig;
	struct change c;
	int is_signed;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0)
		return -1;
	is_signed = was_signed(unit_view(u), row, &sig, err);
	if (is_signed < 0 || may_be_abandoned(row, e, is_signed > 0, err) != 0)
		return -1;
	if (directive_abandon(&c.m, row, err) != 0)
		return -1;
	return end_directive(&c, row, err);
}

static void allow(json_t *list, const char *decision)
{
	json_add_take(list, json_string(decision));
}

int outbox_allowed(struct outbox *ob, struct arena *a, const struct directive_row *row, const struct evidence *e,
		   json_t **ret, struct err *err)
{
	json_t *list = json_array_in(a);
	struct signature_row sig;
	int is_signed = was_signed(store_view(ob->opt.store), row, &sig, err);
	struct err no;

	if (is_signed < 0)
		return -1;
	*ret = list;
	if (check_status(row, &no) != 0)
		return 0;
	if (e->verdict == EVIDENCE_UNUSED)
		allow(list, "retry");
	if (e->verdict == EVIDENCE_OWN || e->verdict == EVIDENCE_UNAVAILABLE)
		allow(list, "recheck");
	if (e->verdict != EVIDENCE_UNUSED)
		allow(list, "done");
	if (check_is_dead(row, e, &no) == 0)
		allow(list, "resubmit");
	if (e->verdict == EVIDENCE_UNUSED && !e->no_revoke)
		allow(list, "revoke");
	if (may_be_abandoned(row, e, is_signed > 0, &no) == 0)
		allow(list, "abandon");
	return 0;
}

/* --- lanes and spaces --- */

/* A lane that can sign a transaction. */
static int working_lane(struct outbox *ob, int64_t id, struct lane **ret, struct err *err)
{
	struct lane *l = outbox_lane_of(ob, id);

	if (!l) {
		ERR(err, ERR_NOT_FOUND, "lane %" PRId64 " is not configured", id);
		return err_hint(err, "outbox.lanes");
	}
	if (!l->key.key) {
		ERR(err, ERR_WALLET_LOCKED, "the key of lane %" PRId64 " is not there", id);
		return err_hint(err, l->key.is_file ? "outbox.lanes" : "wallet.unlock");
	}
	*ret = l;
	return 0;
}

static char *lane_subject(struct arena *a, int64_t lane)
{
	return arena_printf(a, "lane:%" PRId64, lane);
}

static char *space_subject(struct arena *a, int64_t space)
{
	return arena_printf(a, "space:%" PRId64, space);
}

static json_t *slot_state(struct arena *a, const struct slot_row *slot, const struct hash32 *hash)
{
	json_t *j = json_object_in(a);

	json_set_u64(j, "tx_nonce", slot->nonce);
	json_set_str(j, "state", slot_state_name(slot->state));
	json_set_str(j, "purpose", slot_purpose_name(slot->purpose));
	json_set_str(j, "tx_hash", hash ? show_hash(a, hash) : NULL);
	return j;
}

/* It would be mined in vain. */
static int refuse_revoke(const struct lane *l, const struct directive_row *row, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4 * 1024);

	ERR(err, ERR_ILLEGAL_STATE, "the contract does not let the relayer %s burn nonce %" PRIu64,
	    show_address(&a, &l->address), row->nonce);
	return err_hint(err,
			"let its owner call revokeNonces(%s, [%" PRIu64 "]); once that is final: resubmit or abandon",
			show_address(&a, &outbox_space_of(l->ob, row->space_id)->signer), row->nonce);
}

int outbox_revoke_nonce(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			struct directive_row *row, const struct evidence *e, struct hash32 *ret_hash, struct err *err)
{
	struct slot_row slot;
	struct hash32 hash;
	struct change c;
	struct lane *l;

	if (begin_directive(&c, ob, u, a, op, row, e, err) != 0)
		return -1;
	if (e->verdict != EVIDENCE_UNUSED)
		return refuse(ERR_NONCE_USED, row, e, "directive.resolve with action=resubmit or abandon", err);
	if (working_lane(ob, row->lane, &l, err) != 0)
		return -1;
	if (e->no_revoke)
		return refuse_revoke(l, row, err);
	if (delivery_open_revoke(l, u, a, row, &slot, &hash, err) != 0 ||
	    audit(&c, row->id, slot_state(a, &slot, &hash), err) != 0)
		return -1;
	*ret_hash = hash;
	return 0;
}

/* SLOT_PREPARED and SLOT_BROADCAST: something of it may still be replaced. */
static int check_replaceable(const struct slot_row *slot, struct err *err)
{
	if (slot->state == SLOT_PREPARED || slot->state == SLOT_BROADCAST) {
		if (slot->purpose != SLOT_NO_OP)
			return 0;
		return ERR(err, ERR_ILLEGAL_STATE, "transaction %" PRIu64 " of lane %" PRId64 " is a no-op already",
			   slot->nonce, slot->lane);
	}
	ERR(err, ERR_ILLEGAL_STATE, "transaction %" PRIu64 " of lane %" PRId64 " is %s: there is nothing to replace",
	    slot->nonce, slot->lane, slot_state_name(slot->state));
	return err_hint(err, "outbox.lanes");
}

int outbox_cancel_slot(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		       int64_t lane, uint64_t tx_nonce, struct hash32 *ret_hash, struct err *err)
{
	struct slot_row slot;
	struct hash32 hash;
	struct change c;
	struct lane *l;

	if (begin(&c, ob, u, a, op, err) != 0)
		return -1;
	if (slot_store_at(unit_view(u), lane, tx_nonce, &slot, err) != 0)
		return err->code == ERR_NOT_FOUND ? err_hint(err, "outbox.lanes") : -1;
	if (check_replaceable(&slot, err) != 0 || working_lane(ob, lane, &l, err) != 0)
		return -1;
	c.before = slot_state(a, &slot, NULL);
	if (delivery_replace_by_no_op(l, u, a, &slot, &hash, err) != 0 ||
	    audit(&c, lane_subject(a, lane), slot_state(a, &slot, &hash), err) != 0)
		return -1;
	*ret_hash = hash;
	return 0;
}

static json_t *pause_state(struct arena *a, const char *reason)
{
	json_t *j = json_object_in(a);

	json_set_bool(j, "paused", reason != NULL);
	json_set_str(j, "pause_reason", reason);
	return j;
}

/* Never one of those that walletd gives itself. */
static const char *pause_reason(struct arena *a, const struct outbox_operator *op)
{
	return arena_printf(a, "operator: %s", arena_strndup(a, op->reason, PAUSE_TEXT_MAX));
}

/* This database is older than the chain: only other nonces make that good. */
static int refuse_resume(struct err *err)
{
	ERR(err, ERR_ILLEGAL_STATE, "the chain has seen nonces that this database has not given out");
	return err_hint(err, "outbox.nonce_advance");
}

int outbox_pause_space(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		       int64_t space_id, bool pause, struct err *err)
{
	const char *reason = pause ? pause_reason(a, op) : NULL;
	struct space_row row;
	struct change c;

	if (begin(&c, ob, u, a, op, err) != 0 || space_store_get(unit_view(u), a, space_id, &row, err) != 0)
		return -1;
	if (pause_is(row.pause_reason, PAUSE_NONCE_HORIZON))
		return pause ? 0 : refuse_resume(err); /* paused it is, and by another cause it stays so */
	c.before = pause_state(a, row.pause_reason);
	if (space_store_pause(u, space_id, reason, err) != 0)
		return -1;
	return audit(&c, space_subject(a, space_id), pause_state(a, reason), err);
}

int outbox_pause_lane(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
		      int64_t lane, bool pause, struct err *err)
{
	const char *reason = pause ? pause_reason(a, op) : NULL;
	struct lane_row row;
	struct change c;

	if (begin(&c, ob, u, a, op, err) != 0 || lane_store_get(unit_view(u), a, lane, &row, err) != 0)
		return -1;
	c.before = pause_state(a, row.pause_reason);
	if (lane_store_pause(u, lane, reason, err) != 0)
		return -1;
	return audit(&c, lane_subject(a, lane), pause_state(a, reason), err);
}

static json_t *space_nonce_state(struct arena *a, uint64_t next_nonce, const char *pause_reason)
{
	json_t *j = pause_state(a, pause_reason);

	json_set_u64(j, "next_nonce", next_nonce);
	return j;
}

static int check_advance(const struct space_row *row, uint64_t to, struct err *err)
{
	if (to > row->next_nonce && to <= DIRECTIVE_NONCE_MAX)
		return 0;
	ERR(err, ERR_RANGE, "the next nonce of space %" PRId64 " is %" PRIu64 ": it is only ever raised", row->id,
	    row->next_nonce);
	return err_field(err, "to");
}

int outbox_nonce_advance(struct outbox *ob, struct unit *u, struct arena *a, const struct outbox_operator *op,
			 int64_t space_id, uint64_t to, struct err *err)
{
	struct space_row row;
	const char *reason;
	struct change c;
	struct space *s;

	if (begin(&c, ob, u, a, op, err) != 0 || space_store_get(unit_view(u), a, space_id, &row, err) != 0 ||
	    check_advance(&row, to, err) != 0 || space_store_advance(u, space_id, to, err) != 0)
		return -1;
	c.before = space_nonce_state(a, row.next_nonce, row.pause_reason);
	reason = row.pause_reason;
	if (pause_is(reason, PAUSE_NONCE_HORIZON)) {
		if (space_store_pause(u, space_id, NULL, err) != 0)
			return -1;
		reason = NULL;
	}
	/* Was it far enough?  The chain is asked before anything is claimed. */
	s = outbox_space_of(ob, space_id);
	if (s && s->hold == HOLD_NONE) {
		space_hold(s, HOLD_NOT_CHECKED, NULL);
		s->next_check_us = 0;
	}
	return audit(&c, space_subject(a, space_id), space_nonce_state(a, to, reason), err);
}
