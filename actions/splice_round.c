/* actions/splice_round.c - one round, from its first message to the exchange of signatures: spec/splice.md 3.4 and 5.1.5.
 *
 * Our signatures are made before the transaction is final and handed over with the call that makes it so: the node then has all
 * that it needs to finish the round by itself, whatever happens to us.  That call is the point of no return, and before it the
 * candidate is on disk. */
#include <inttypes.h>
#include <string.h>

#include "actions/splice.h"
#include "base/failpoint.h"
#include "rails/bitcoin/address.h"

#define UPDATES_MAX 20u /* calls until a transaction is fixed: a peer could go on for ever */

static const char *contribution_of(struct step *s, const struct splice_row *row)
{
	return arena_printf(s->arena, "%.*s", (int)row->contribution.n, (const char *)row->contribution.p);
}

/* --- opening --- */

/* The budget is spent before the node hears of it: who dies over and over has no more tries than who fails. */
int splice_open_prepare(struct step *s, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	int living = splice_row_of(s, &row, err);

	if (living <= 0)
		return living;
	if (m->count == COUNT_ATTEMPT)
		row.attempts++;
	if (m->count == COUNT_DISCONNECT)
		row.disconnects++;
	m->spent = m->count;
	m->count = COUNT_NOTHING;
	if (splice_is_whole(s) && m->handed >= SPLICE_HANDED_MAX)
		return ERR(err, ERR_INTERNAL, "the node has been given it %u times", m->handed);
	if (splice_is_whole(s))
		m->handed++;
	else
		m->opened = true;
	m->there_ms = 0;
	m->psbt = NULL;
	m->final = m->has_peer_signatures = m->has_signed = false;
	m->updates = m->finishes = 0;
	m->n_ours = 0;
	return splice_store_save(s->unit, &row, s->now_ms, err);
}

/* All of it at once. */
static int whole_request(struct step *s, const struct splice_row *row, const struct ln_node *node,
			 struct net_request *ret, struct err *err)
{
	char address[ADDRESS_TEXT_MAX];
	struct ln_open open = {
		.channel = splice_ref(row),
		.share = { row->kind == SPLICE_OUT, row->amount },
		.everything = row->everything,
	};
	struct splice_output *out;
	size_t n;

	if (row->kind == SPLICE_OUT) {
		if (splice_store_outputs(s->view, s->arena, &row->id, &out, &n, err) != 0)
			return -1;
		if (n != 1 || !address_text(out[0].script, s->policy->onchain.network, address))
			return ERR(err, ERR_INTERNAL, "a splice out that pays no address");
		open.address = address;
	}
	return splice_backend(s)->open_request(s->arena, node, &open, ret, err);
}

int splice_open_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);
	struct splice_row row;
	struct ln_open open;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	if (splice_is_whole(s))
		return whole_request(s, &row, &node, ret, err);
	open = (struct ln_open){
		.channel = splice_ref(&row),
		.share = { row.kind == SPLICE_OUT, m->share },
		.psbt = contribution_of(s, &row),
		.rate = row.rate,
		.force_rate = true, /* what it costs is kept within the user's limits here: spec/splice.md 5.1.5 */
	};
	return splice_backend(s)->open_request(s->arena, &node, &open, ret, err);
}

/* What it refused for certain does not count among what may still come. */
static struct outcome not_opened(struct step *s, struct splice_row *row, struct err *err)
{
	struct splice *m = s->checkpoint;

	if (m->handed > 0 && splice_backend(s)->trouble(err).untouched)
		m->handed--;
	return splice_failed_call(s, row, err, err);
}

struct outcome splice_open_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_row row;
	struct ln_round round;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->open_decode(s->arena, rep, &round, err) != 0)
		return not_opened(s, &row, err);
	m->spent = COUNT_NOTHING;
	m->busy = m->aborts = 0;
	if (splice_is_whole(s))
		return splice_wait_for(s, &row, SPLICE_WAIT_PEER_SIGNATURES, SPLICING_LOOK, err);
	m->psbt = round.psbt;
	m->begun = true;
	return outcome_next(SPLICING_UPDATE);
}

/* --- until the transaction is fixed --- */

int splice_update_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);
	struct splice_row row;
	struct ln_ref ref;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	ref = splice_ref(&row);
	return splice_backend(s)->update_request(s->arena, &node, &ref, m->psbt, ret, err);
}

/* Where the round stands, as the node says. */
static int take_update(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct ln_round round;

	if (splice_backend(s)->update_decode(s->arena, rep, &round, err) != 0)
		return -1;
	m->psbt = round.psbt;
	m->final = round.commitments_secured;
	m->has_peer_signatures = round.signatures_secured;
	return 0;
}

/* One call, and our signatures are made on what it comes to.  A peer that has more to say changes the transaction, and what was
 * signed is worth nothing then; a second call that changes nothing would make it final without them. */
struct outcome splice_update_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (take_update(s, rep, err) != 0)
		return splice_failed_call(s, &row, err, err);
	return outcome_next(SPLICING_VERIFY);
}

/* --- is it the one that was asked for? --- */

int splice_verify_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct ln_node node = splice_node(s);

	return splice_backend(s)->coins_request(s->arena, &node, ret, err);
}

/* Not what was asked for: nothing of ours is signed.  A final one that the peer has signed must not be aborted, and goes with
 * the connection. */
static struct outcome refuse(struct step *s, struct splice_row *row, const struct err *why, struct err *err)
{
	struct splice *m = s->checkpoint;
	bool by_force = m->final && m->has_peer_signatures;
	const struct err said = *why;
	struct outcome o;

	log_error(&s->log, "splice.refused", F_ERR(&said));
	o = splice_failed_round(s, row, SPLICE_PROTO_ERR, said.msg, err);
	if (o.tag != OUTCOME_NEXT || !by_force)
		return o;
	m->after = AFTER_PROBE;
	return outcome_next(SPLICING_DISCONNECT);
}

static int verify(struct step *s, const struct splice_row *row, const struct splice_input *wallet, size_t n_wallet,
		  struct splice_view *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct splice_known k;

	if (splice_known_of(s, row, &k, err) != 0)
		return -1;
	k.terms.wallet = wallet;
	k.terms.n_wallet = n_wallet;
	return splice_verify(s->arena, m->psbt, &k.terms, ret, err);
}

struct outcome splice_verify_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_input *wallet;
	struct splice_known k;
	struct splice_view v;
	struct splice_row row;
	struct outcome over;
	bool late;
	size_t n;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->coins_decode(s->arena, rep, &wallet, &n, err) != 0)
		return splice_failed_call(s, &row, err, err);
	if (splice_known_of(s, &row, &k, err) != 0)
		return outcome_trouble(err);
	if (verify(s, &row, wallet, n, &v, err) != 0)
		return refuse(s, &row, err, err);
	m->txid = v.txid;
	m->vout = splice_funding_place(&k, &v.tx);
	m->fee = v.fee;
	m->ours = v.ours;
	m->n_ours = v.n_ours;
	m->has_signed = false;
	/* A test may want to see what is left of a round that is final and that we have not signed: spec/splice.md 5.1.6. */
	late = !m->final && FAILPOINT("splice.sign_early");
	return outcome_next(v.n_ours > 0 && !late ? SPLICING_SIGN : SPLICING_COMMIT);
}

/* --- signing --- */

int splice_sign_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);

	return splice_backend(s)->sign_request(s->arena, &node, m->psbt, m->ours, m->n_ours, ret, err);
}

struct outcome splice_sign_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_view v;
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->sign_decode(s->arena, rep, &m->psbt, err) != 0)
		return splice_failed_call(s, &row, err, err);
	if (verify(s, &row, NULL, 0, &v, err) != 0)
		return refuse(s, &row, err, err);
	m->has_signed = txid_equal(&v.txid, &m->txid);
	if (m->has_signed)
		return outcome_next(SPLICING_COMMIT);
	ERR(err, ERR_PEER_INVALID, "the node has signed another transaction than it was given");
	return refuse(s, &row, err, err);
}

/* --- the point of no return --- */

static int round_of(struct step *s, const struct splice_row *row, uint32_t *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct splice_known k;

	if (splice_known_of(s, row, &k, err) != 0)
		return -1;
	*ret = 1;
	for (size_t i = 0; i < k.n_candidates; i++) {
		if (txid_equal(&k.candidates[i].txid, &m->txid)) {
			*ret = k.candidates[i].round;
			return 0;
		}
		if (k.candidates[i].round >= *ret)
			*ret = k.candidates[i].round + 1;
	}
	return 0;
}

static int put_candidate(struct step *s, const struct splice_row *row, struct bytes raw, struct err *err)
{
	const struct splice *m = s->checkpoint;
	struct funding_candidate c = {
		.txid = m->txid,
		.vout = m->vout,
		.origin = CANDIDATE_OURS,
		.state = m->n_ours > 0 && !m->has_signed ? CANDIDATE_NEGOTIATED : CANDIDATE_SIGNED,
		.has_amount = row->has_amount,
		.amount = row->amount,
		.has_fee = true,
		.fee = m->fee,
		.has_rate = row->has_rate,
		.rate = row->rate,
		.raw = raw,
		.first_seen_ms = s->now_ms,
	};

	return round_of(s, row, &c.round, err) != 0 ? -1 : splice_put_candidate(s, row, &c, err);
}

int splice_commit_prepare(struct step *s, struct err *err)
{
	struct splice_row row;
	int living = splice_row_of(s, &row, err);

	if (living <= 0)
		return living;
	return put_candidate(s, &row, (struct bytes){ NULL, 0 }, err);
}

int splice_commit_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;

	return m->final ? NOTHING_TO_ASK : splice_update_enter(s, ret, err);
}

/* The peer changed it at the last moment: what we signed is worth nothing, and the new one is looked at from the start. */
static struct outcome changed(struct step *s, struct splice_row *row, struct err *err)
{
	struct splice *m = s->checkpoint;

	if (funding_store_set_state(s->unit, &m->txid, CANDIDATE_DISCARDED, err) != 0)
		return outcome_trouble(err);
	if (++m->updates < UPDATES_MAX)
		return outcome_next(SPLICING_VERIFY);
	return splice_failed_round(s, row, SPLICE_PROTO_ERR, "the peer does not come to an end", err);
}

struct outcome splice_commit_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct splice_view v;
	struct splice_row row;
	struct outcome over;
	bool verified;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (!rep)
		return outcome_next(SPLICING_CHECK);
	if (take_update(s, rep, err) != 0)
		return splice_failed_call(s, &row, err, err);
	verified = verify(s, &row, NULL, 0, &v, err) == 0;
	if (m->final)
		(void)FAILPOINT("splice.final");
	if (m->final && verified && txid_equal(&v.txid, &m->txid))
		return outcome_next(m->n_ours > 0 && !m->has_signed ? SPLICING_SIGN : SPLICING_CHECK);
	return changed(s, &row, err);
}

/* V4: and where the node has its new funding. */
struct outcome splice_check_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	const struct ln_channel *channel;
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_channel_of(s, rep, &row, &channel, err) != 0 || !channel ||
	    splice_verify_newest(channel, &m->txid, err) != 0)
		return splice_failed_round(s, &row, SPLICE_UNKNOWN, channel ? err->msg : "the channel has gone", err);
	m->vout = channel->flights[channel->n_flights - 1].funding.vout;
	return put_candidate(s, &row, (struct bytes){ NULL, 0 }, err) == 0 ? outcome_next(SPLICING_FINISH)
									   : outcome_trouble(err);
}

/* --- signatures are exchanged --- */

int splice_finish_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct splice *m = s->checkpoint;
	const struct ln_node node = splice_node(s);
	struct splice_row row;
	struct ln_ref ref;
	int rc = splice_row_to_ask(s, &row, err);

	if (rc != 0)
		return rc;
	ref = splice_ref(&row);
	return splice_backend(s)->commit_request(s->arena, &node, &ref, m->psbt, ret, err);
}

struct outcome splice_finish_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct splice *m = s->checkpoint;
	struct ln_committed done;
	struct splice_row row;
	struct outcome over;

	if (splice_row_or_over(s, &row, &over, err) != 0)
		return over;
	if (splice_backend(s)->commit_decode(s->arena, rep, &done, err) != 0)
		return splice_failed_call(s, &row, err, err);
	if (!txid_equal(&done.txid, &m->txid)) {
		ERR(err, ERR_PEER_INVALID, "the node says that it has sent another transaction than was verified");
		return splice_failed_call(s, &row, err, err);
	}
	if (!done.unsent)
		m->vout = done.vout;
	if (put_candidate(s, &row, done.raw, err) != 0)
		return outcome_trouble(err);
	m->sent_at_ms = done.unsent ? 0 : s->now_ms;
	return done.unsent && s->chain ? splice_send(s, &m->txid) : splice_is_pending(s, &row, &m->txid, false, err);
}
