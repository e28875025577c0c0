/* actions/splice.h - splices of a Lightning node's channel: what the files of the kinds splice_in, splice_out and splice_bump
 * share.  Implements spec/splice.md over rails/lightning, which decides, and the store, which remembers.
 *
 *   probing ─→ waiting for the peer ─→ probing
 *      │
 *      ├─ nothing in flight ─→ rates ─→ building ─→ opening ─→ updating ─→ verifying ─→ signing ─→ committing
 *      │                                                                                              │
 *      │   (all of this is lost with the process, the node or the connection: back to probing)    checking ─→ finishing
 *      │                                                                                              │
 *      ├─ a candidate of ours ←───────────────────────────────────────────────────── awaiting_lock ←─┘
 *      └─ the channel has a new funding, or it closes, or the budget is spent ─→ cleaning up ─→ the end
 *
 * A node without LN_STAGED is handed the splice as a whole (spec/splice.md 5.2): opening is all there is, and then it is looked for
 * on the chain.
 *
 *   probing ─→ looking ─→ [building: what the wallet has] ─→ opening ─→ looking ... until its transaction is seen: awaiting_lock
 *
 * Each state makes one call of the node.  What was asked for, its limits and its budget are the intent's row
 * (store/splice_store.h), and so is what it waits for; the checkpoint has the round that is being made.  A bump is an action of
 * its own that works on the same intent, and while it does the splice's own action rests.  What the node and the chain say
 * when they are asked decides, never a copy here: nothing is submitted but by splice_probe(). */
#ifndef ACTIONS_SPLICE_H
#define ACTIONS_SPLICE_H

#include "actions/onchain.h"
#include "lightning/node.h"
#include "rails/lightning/splice_probe.h"
#include "store/funding_store.h"
#include "store/splice_store.h"

enum splice_state {                            /* stored: append, never renumber */
		    SPLICING_PROBE = 1,        /* is the node there? */
		    SPLICING_LOOK = 2,         /* what does it say of the channel? */
		    SPLICING_LOOK_CLOSED = 3,  /* … which it no longer has */
		    SPLICING_CONNECT = 4,      /* the peer should be there */
		    SPLICING_RATES = 5,        /* what does a splice cost now? */
		    SPLICING_BUILD = 6,        /* our contribution */
		    SPLICING_OPEN = 7,         /* the round begins */
		    SPLICING_UPDATE = 8,       /* until the transaction is fixed */
		    SPLICING_VERIFY = 9,       /* is it the one that was asked for? */
		    SPLICING_SIGN = 10,        /* our inputs */
		    SPLICING_COMMIT = 11,      /* the point of no return */
		    SPLICING_CHECK = 12,       /* does the node have the same one? */
		    SPLICING_FINISH = 13,      /* signatures are exchanged */
		    SPLICING_AWAIT_LOCK = 14,  /* for blocks, and for the peer */
		    SPLICING_LOOK_BEFORE = 15, /* may the round that hangs be aborted? */
		    SPLICING_ABORT = 16,       /* an unsigned round */
		    SPLICING_DISCONNECT = 17,  /* … that would not go */
		    SPLICING_RELEASE = 18,     /* what was reserved for it */
		    SPLICING_CLEANED = 19,     /* and then what was meant to follow */
		    SPLICING_HELD = 20,        /* for how long are our coins reserved? */
		    SPLICING_RENEW = 21,       /* … for longer */
		    SPLICING_SEND = 22,        /* what no mempool is known to have */
		    SPLICING_UNSPENT = 23,     /* is the funding still, as our own node sees it? */
		    SPLICING_STATES
};

/* What is to follow when a round has been cleaned up. */
enum splice_after { AFTER_PROBE = 1, AFTER_RATES, AFTER_GIVE_UP, AFTER_END };

#define SPLICE_MESSAGE_MAX SPLICE_FAIL_TEXT_MAX

struct splice {
	struct hash32 id;
	bool is_bump;  /* this action is a bump */
	bool has_wish; /* of the user, for the feerate */
	struct feerate wish;
	/* the round */
	struct weight weight;     /* that our fee is for */
	struct sat share;         /* goes into the channel, or out of it with our fee */
	const char *psbt;         /* the round as it stands, or NULL */
	bool opened;              /* the node may be negotiating it */
	bool final;               /* its transaction cannot change any more */
	bool has_peer_signatures; /* the peer has signed it */
	bool has_signed;          /* we have, where there is anything to sign */
	bool begun;               /* the node has begun it, and nothing has ended it since */
	uint32_t finishes;        /* tries to go on where it was left */
	uint32_t updates;         /* calls that it took */
	struct txid txid;         /* once it is fixed, as the next */
	uint32_t vout;
	uint32_t *ours; /* the places of the inputs that we sign */
	size_t n_ours;
	struct sat fee;
	int64_t quiet_until_ms; /* the node is at an abort, whatever wakes us: it takes nothing until then */
	uint32_t held_at;       /* height: when its coins were reserved, or that was looked at last */
	uint32_t short_by;      /* blocks: that their reservation is to be longer */
	struct txid sending;    /* what our own node is given */
	int64_t sent_at_ms;     /* when it was, or the Lightning node's was; 0: nobody has taken it */
	/* a splice as a whole */
	uint32_t
		handed; /* submissions that something has come of, or may: counted before each, at most SPLICE_HANDED_MAX */
	int64_t there_ms; /* since when the peer was there at each look; 0: it was not */
	int64_t looked_ms;
	/* what went wrong */
	enum splice_class last;  /* with the last round */
	bool undecided;          /* and nothing has been done about it */
	enum splice_count count; /* of the submission that follows */
	enum splice_count spent; /* by the one that was begun: given back when the node would not even begin it */
	uint32_t waits, busy, refusals, aborts; /* in a row */
	bool probed;                            /* the node was found well, and has not been waited for since */
	bool stalled;                           /* what it waits for has been told of */
	/* the end */
	enum splice_after after;
	bool cancelling;
	bool ended; /* the intent is gone; what is left to do is to give back what was reserved */
	enum splice_class why;
	const char *text; /* a peer's words, or NULL */
};

/* --- splice.c --- */

/* The living intent of the action: 1, 0: it has ended, -1. */
MUST_CHECK int splice_row_of(struct step *s, struct splice_row *ret, struct err *err);
/* The same for a reply: 0; -1: there is none, and *ret_over is where to go. */
MUST_CHECK int splice_row_or_over(struct step *s, struct splice_row *ret, struct outcome *ret_over, struct err *err);
/* The same for a request: 0, NOTHING_TO_ASK, -1. */
MUST_CHECK int splice_row_to_ask(struct step *s, struct splice_row *ret, struct err *err);
/* A request that says no more than which channel it is about: 0, NOTHING_TO_ASK, -1. */
MUST_CHECK int splice_ask_about(struct step *s,
				int (*request)(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
					       struct net_request *ret, struct err *err),
				struct net_request *ret, struct err *err);
/* Who is asked, and how the call is named in its log. */
struct ln_node splice_node(const struct step *s);
const struct ln_backend *splice_backend(const struct step *s);
struct ln_ref splice_ref(const struct splice_row *row);
/* Is the node handed splices as a whole? */
bool splice_is_whole(const struct step *s);
/* An event about the splice, with what data has. */
MUST_CHECK int splice_tell(struct step *s, const char *event, json_t *data, struct err *err);

/* --- splice_start.c --- */

int splice_in_start(struct step *s, const json_t *params, struct err *err);
int splice_out_start(struct step *s, const json_t *params, struct err *err);
int splice_bump_start(struct step *s, const json_t *params, struct err *err);
extern const struct param splice_in_params[], splice_out_params[], splice_bump_params[];

/* --- splice_look.c: what is so, and what follows --- */

int splice_probe_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_probe_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_look_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_look_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_closed_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_closed_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_connect_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_connect_reply(struct step *s, const struct net_reply *rep, struct err *err);
/* What is known of it, for the questions of splice_owner.h. */
MUST_CHECK int splice_known_of(struct step *s, const struct splice_row *row, struct splice_known *ret, struct err *err);
struct splice_budget splice_budget_of(const struct step *s, const struct splice_row *row, const struct splice_known *k);
MUST_CHECK int splice_channel_of(struct step *s, const struct net_reply *rep, const struct splice_row *row,
				 const struct ln_channel **ret, struct err *err);

/* --- splice_wait.c: waiting, and what a round that failed leads to --- */

/* Left in `state` until something happens, or for the usual time; why is shown. */
struct outcome splice_wait_for(struct step *s, struct splice_row *row, enum splice_wait why, int state,
			       struct err *err);
/* What others said as it is kept: printable, at most SPLICE_FAIL_TEXT_MAX, so that it can be shown anywhere. */
const char *splice_printable(struct step *s, const char *text);
/* A call of the node went wrong: *why is what its decoder made of it. */
struct outcome splice_failed_call(struct step *s, struct splice_row *row, const struct err *why, struct err *err);
/* The round came to nothing for this reason; in whose words, or NULL. */
struct outcome splice_failed_round(struct step *s, struct splice_row *row, enum splice_class why, const char *text,
				   struct err *err);

/* --- splice_build.c --- */

int splice_rates_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_rates_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_build_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_build_reply(struct step *s, const struct net_reply *rep, struct err *err);

/* --- splice_round.c --- */

int splice_open_prepare(struct step *s, struct err *err);
int splice_open_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_open_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_update_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_update_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_verify_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_verify_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_sign_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_sign_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_commit_prepare(struct step *s, struct err *err);
int splice_commit_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_commit_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome splice_check_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_finish_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_finish_reply(struct step *s, const struct net_reply *rep, struct err *err);

/* --- splice_payment.c: candidates, and the payment that they are --- */

/* A candidate of ours, in this state: its row, and the payment's (spec/splice.md 2.3). */
MUST_CHECK int splice_put_candidate(struct step *s, const struct splice_row *row, const struct funding_candidate *c,
				    struct err *err);
/* A candidate of ours is on its way: told once, and the splice waits for its lock.  A bump has done its work.  offered: our
 * own node was given it, and the row's failure is what it said; else there is none any more. */
struct outcome splice_is_pending(struct step *s, struct splice_row *row, const struct txid *txid, bool offered,
				 struct err *err);
/* Those that were never sent, as it has turned out, are candidates no more. */
MUST_CHECK int splice_discard_unsent(struct step *s, const struct splice_row *row, const struct ln_channel *channel,
				     struct err *err);

/* Those that are out are not any more: a transaction that excludes them is deep in the chain. */
MUST_CHECK int splice_discard_all(struct step *s, const struct splice_row *row, struct err *err);

/* --- splice_send.c --- */

/* Signed, known whole, and in no mempool that we know of; and not offered just now. */
bool splice_should_send(const struct step *s, const struct splice_known *k, const struct txid *txid);
struct outcome splice_send(struct step *s, const struct txid *txid);
int splice_send_ask(struct step *s, struct chain_question *ret, struct err *err);
struct outcome splice_send_told(struct step *s, const struct chain_answer *got, struct err *err);

/* --- splice_unspent.c --- */

int splice_unspent_ask(struct step *s, struct chain_question *ret, struct err *err);
struct outcome splice_unspent_told(struct step *s, const struct chain_answer *got, struct err *err);

/* --- splice_hold.c: coins of the node's wallet --- */

MUST_CHECK int splice_holds_any(struct step *s, const struct hash32 *id, bool *ret, struct err *err);
MUST_CHECK int splice_all_released(struct step *s, const struct hash32 *id, struct err *err);
/* They were reserved just now. */
MUST_CHECK int splice_held_from_now(struct step *s, struct err *err);
/* It is time to look for how long they still are. */
MUST_CHECK int splice_hold_is_due(struct step *s, const struct splice_row *row, bool *ret, struct err *err);
int splice_held_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_held_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_renew_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_renew_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_release_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_release_reply(struct step *s, const struct net_reply *rep, struct err *err);

/* --- splice_end.c --- */

/* The channel has this candidate as its funding, or the chain has it for good. */
struct outcome splice_settle(struct step *s, struct splice_row *row, const struct txid *txid, struct err *err);
/* The splice, or the bump alone, comes to nothing. */
struct outcome splice_give_up(struct step *s, struct splice_row *row, enum splice_class why, const char *text,
			      struct err *err);
/* What is reserved is given back, and then. */
struct outcome splice_clean(struct step *s, struct splice_row *row, enum splice_after after, struct err *err);
struct outcome splice_look_before_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_abort_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_abort_reply(struct step *s, const struct net_reply *rep, struct err *err);
int splice_disconnect_enter(struct step *s, struct net_request *ret, struct err *err);
struct outcome splice_disconnect_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome splice_cleaned_reply(struct step *s, const struct net_reply *rep, struct err *err);
struct outcome splice_cancel(struct step *s, struct err *err);

#endif
