/* outbox/internal.h - what the files of outbox/ share.  Nobody else includes this.
 *
 * A chain has endpoints and lanes; a lane is one relayer account; a space is one contract and signer.  Memory holds what
 * is configured, what was last seen of the chain, and what is in flight; what was decided is in the store. */
#ifndef OUTBOX_INTERNAL_H
#define OUTBOX_INTERNAL_H

#include "base/rng.h"
#include "outbox/endpoints.h"
#include "outbox/meters.h"
#include "outbox/outbox.h"
#include "rails/evm/fee.h"
#include "rails/keys/evm_key.h"
#include "store/relay_store.h"

#define OUTBOX_ARENA_MAX   (64u * 1024 * 1024)
#define KEY_REF_MAX        96
#define CHECK_EVERY_US     (INT64_C(3600) * 1000000) /* identity of chain and contract, nonce horizon */
#define RECHECK_FAILED_US  (INT64_C(5) * 1000000)    /* the same, after it went wrong */
#define LANE_SYNC_EVERY_US (INT64_C(30) * 1000000)
#define HOLD_TEXT_MAX      160

/* Why a space or a lane is left alone for now.  A hold ends by itself when its cause does; a pause is the operator's. */
enum hold {
	HOLD_NONE = 0,
	HOLD_NOT_CHECKED,    /* nothing is known of it yet */
	HOLD_SIGNER_LOCKED,  /* its key is not there: the wallet is locked, the key file is missing */
	HOLD_KEY_MISMATCH,   /* the key is not the one of this row */
	HOLD_ENDPOINTS,      /* no endpoint of the chain answers */
	HOLD_WRONG_CHAIN,    /* they are of another chain */
	HOLD_WRONG_CONTRACT, /* no code there, or another domain separator */
	HOLD_NO_FUNDS,       /* the relayer cannot pay */
	HOLD_FEE_CAP,        /* the chain asks for more than we may pay */
	HOLD_DAY_CAP,        /* the day's allowance is used up */
	HOLD_POOL_PENDING    /* a fresh account with transactions that are not ours in the pool */
};
const char *hold_name(enum hold h);

struct key_source {
	char ref[KEY_REF_MAX]; /* as stored: "hd:m/44'/60'/21075'/0/0", "file:cold" */
	enum evm_role role;
	bool is_file;
	uint32_t index;             /* of an hd key */
	const char *file;           /* of a file, owned by the outbox's arena */
	struct evm_key *key;        /* NULL while it is not there; never another one than that of address */
	struct evm_address address; /* whose it is: of the row as soon as there is one, else of the key that is there */
	bool has_row, stranger;     /* stranger: the one that is there is not of this address */
	struct err trouble;         /* why it is not there; code ERR_NONE: locked */
	int64_t again_us;           /* when a file that was no good is read again */
};

struct batch;
struct chain;
struct elsewhere;
struct peek;
struct poll;
struct second_opinion;
struct settle;
struct space_check;
struct track;

struct space {
	struct outbox *ob;
	struct chain *chain;
	struct outbox_space_config conf;
	struct key_source key;
	int64_t id; /* 0: not in the store: its signer is not known yet */
	struct evm_address signer;
	struct hash32 domain; /* the separator, of the chain and the contract */
	enum hold hold;
	char hold_text[HOLD_TEXT_MAX];
	int64_t next_check_us;     /* of contract and horizon */
	struct space_check *check; /* under way, or NULL */
};

/* An open slot that the chain's count has passed without a receipt of ours. */
struct suspect {
	int64_t slot;   /* 0: none */
	uint64_t since; /* the head when it was first seen */
	int endpoint;   /* that said so */
	bool confirmed; /* and another one */
};
#define SUSPECTS_MAX 16

struct lane {
	struct outbox *ob;
	struct chain *chain;
	struct key_source key;
	int64_t id; /* 0: not in the store: its account is not known yet */
	struct evm_address address;
	enum hold hold;
	char hold_text[HOLD_TEXT_MAX];
	int64_t held_since_us;
	bool seen;                 /* the account has been read */
	uint64_t latest, pending;  /* the chain's counts of its transactions */
	struct wei balance, needs; /* needs: what the hold for no funds waits for */
	int64_t next_sync_us;
	bool hole; /* the chain's next nonce is none of an open slot, since the head was hole_since */
	uint64_t hole_at, hole_since;
	unsigned slots_now; /* how many open slots it may have; falls when a pool is full, and recovers */
	int64_t slots_fell_us;
	size_t next_space;   /* whose turn it is */
	struct batch *batch; /* being prepared, or NULL: one at a time, so that slots open in the order of claims */
	struct timer *linger;
	bool lingered; /* the wait for a fuller batch is over */
	struct suspect suspects[SUSPECTS_MAX];
	struct metric *m_balance, *m_open, *m_replaced;
};

struct chain {
	struct outbox *ob;
	struct outbox_chain_config conf;
	struct endpoints *ep;
	struct lane **lanes;
	size_t n_lanes;

	enum hold reach; /* HOLD_NONE, HOLD_ENDPOINTS, HOLD_WRONG_CHAIN, HOLD_NOT_CHECKED */
	bool head_known;
	uint64_t head, finalized; /* block numbers; finalized 0: not known */
	struct hash32 head_hash;
	uint64_t block_gas_limit;
	int64_t head_at_us;
	bool fees_known, over_cap; /* over_cap: base fee and tip pass what we may pay, and quote is an older one */
	struct gas_price base_fee;
	struct evm_fees quote; /* what a new transaction bids */
	uint32_t gas_percent;  /* of estimates; raised after a transaction ran out of gas */
	struct timer *poll;
	bool poll_is_idle;
	struct peek *peeks;     /* one per endpoint: what its own head is */
	struct poll *polling;   /* under way, or NULL */
	size_t poll_lane;       /* whose accounts come next */
	struct track *tracking; /* likewise */
	struct elsewhere *elsewhere;
	bool elsewhere_due;               /* one has come, and the head may stay as it is */
	bool track_again, track_new_head; /* track_new_head: all slots are to be looked at, and have not been */
	struct second_opinion *second_opinion;
	int64_t gas_raised_for; /* the slot that did it last */
	bool offer_again;       /* it was out of reach: what its pools held may be gone */
};

struct outbox {
	struct outbox_options opt;
	struct arena own; /* configuration text; lives as long as the outbox */
	struct log log;
	struct meters meters;
	struct keyring *keys;
	struct chain **chains;
	size_t n_chains;
	struct space **spaces;
	size_t n_spaces;
	struct search *searches; /* for evidence, under way */
	struct settle *settles;  /* what waits for them */
	struct send *sends;      /* raw transactions, under way */
	unsigned units;          /* of ours that wait to become durable */
	struct timer *wake;
	bool pump_posted, stopping, recovered, sweep_due;
	bool accounts_due;     /* keys have changed, and their rows not */
	int64_t hold_until_us; /* the store refused a write: leave it alone until then */
	struct outbox_stats stats;
};

/* outbox.c */
bool outbox_may_drive(const struct outbox *ob);
void outbox_pump_soon(struct outbox *ob);
struct chain *outbox_chain_of(const struct outbox *ob, uint64_t chain_id); /* or NULL */
struct space *outbox_space_of(const struct outbox *ob, int64_t space_id);  /* or NULL: not configured */
struct lane *outbox_lane_of(const struct outbox *ob, int64_t lane);        /* or NULL */
/* A write was refused.  A conflict is somebody else's work and fine; all else is noted, and everything rests for a
 * moment. */
void outbox_write_failed(struct outbox *ob, const char *what, const struct err *err);
/* text NULL: why in the words of hold_name(). */
void lane_hold(struct lane *l, enum hold why, const char *text);
void space_hold(struct space *s, enum hold why, const char *text);

/* keys.c */
MUST_CHECK int key_source_parse(struct outbox *ob, const char *text, enum evm_role role, struct key_source *ret,
				struct err *err);
/* Takes or lets go of the key, as the wallet is unlocked or not.  True: something has changed. */
bool key_source_refresh(struct outbox *ob, struct key_source *k);
/* There is a row for this address, made with this source: no other key is its. */
void key_source_pin(struct key_source *k, const struct evm_address *address);
void key_source_drop(struct key_source *k);

/* accounts.c: rows for spaces and lanes, as soon as their keys are known. */
void accounts_refresh(struct outbox *ob);

/* space_check.c: is the contract there, is it ours, and has nobody used nonces that were not given out? */
void space_check_run(struct space *s); /* when it is time */
void space_check_cancel(struct space *s);

/* drainer.c: claims what is due and makes batches of it. */
void drainer_run(struct outbox *ob);
bool chain_has_work(const struct chain *c); /* open directives or open slots */
MUST_CHECK bool lane_is_paused(const struct lane *l);
void lane_linger_free(struct lane *l);
void lane_linger_new(struct lane *l);

/* batch.c */
void batch_start(struct lane *lane, struct space *space);
void batch_stop(struct batch *b); /* gives back what it holds, as soon as it can */
void batch_free(struct batch *b); /* at once; what it claimed stays claimed */

/* chain_watch.c: polls head, fees and accounts. */
void chain_watch_start(struct chain *c);
void chain_watch_stop(struct chain *c);
void chain_watch_soon(struct chain *c);
void chain_watch_kick(struct chain *c); /* there is work: look now, unless it was looked at just now */
/* The highest block that counts as final; false when there is none yet. */
bool chain_final_block(const struct chain *c, uint64_t *ret);
bool chain_is_final(const struct chain *c, uint64_t block);
/* Blocks that make a transaction final; a usual number where finality is the chain's word. */
uint64_t chain_final_depth(const struct chain *c);

/* tracker.c: receipts, depth, reorganisations of open and watched slots.  new_head: all of them; else those that are due. */
void tracker_run(struct chain *c, bool new_head);
void tracker_cancel(struct chain *c);

#endif
