#include "rpc/attention.h"

#include <event2/event.h>
#include <inttypes.h>
#include <string.h>

#include "actions/ecash_expiry.h"
#include "actions/executor.h"
#include "actions/wallet.h"
#include "base/clock.h"
#include "base/text.h"
#include "exit/plan.h"
#include "exit/status.h"
#include "exit/step.h"
#include "outbox/show.h"
#include "rpc/chain_show.h"
#include "rpc/lightning_show.h"
#include "rpc/state.h"
#include "store/chain_store.h"
#include "store/mint_store.h"
#include "store/movement_store.h"
#include "store/quote_store.h"
#include "store/tx_store.h"

#define TROUBLED_SHOWN  20
#define TROUBLE_TRIES   10
#define QUOTE_NEAR_MS   (3600 * INT64_C(1000))
#define DAY_MS          (86400 * INT64_C(1000))
#define EXPIRY_ALARM_MS DAY_MS
#define EXPIRY_TOLD_MS  (30 * DAY_MS)
#define BLOCK_MS        (600 * INT64_C(1000))
#define EXITS_LOOKED_AT 1000u
#define NODE_WORDS_MAX  1024u
#define EXIT_ALARM      1008u      /* blocks: a week */
#define LIBEVENT_SOUND  0x02010d00 /* 2.1.13 */

enum severity { CRITICAL, WARNING, INFO };

struct list {
	struct rpc_server *server;
	struct arena *a;
	struct view view;
	int64_t now_ms;
	json_t *by_severity[INFO + 1];
};

static json_t *add(struct list *l, enum severity severity, const char *kind, const char *next, const char *what)
{
	static const char *const names[] = { [CRITICAL] = "critical", [WARNING] = "warning", [INFO] = "info" };
	json_t *item = json_object_in(l->a);

	json_set_str(item, "severity", names[severity]);
	json_set_str(item, "kind", kind);
	json_set_str(item, "what", what);
	json_set_str(item, "next", next);
	json_add(l->by_severity[severity], item);
	return item;
}

static void add_unreadable(struct list *l, const char *what, const struct err *err)
{
	add(l, CRITICAL, err_kind(err->code), "status", arena_printf(l->a, "%s cannot be read: %s", what, err->msg));
}

static void look_at_store(struct list *l)
{
	const struct err *ledger = &l->server->ledger_error;

	switch (store_health(l->server->opt.store)) {
	case STORE_OK:
		break;
	case STORE_FULL:
		add(l, CRITICAL, "storage_full", "make room on the disk; walletd goes on by itself",
		    "The disk is full: nothing is sent or received until there is room.");
		break;
	case STORE_READ_ONLY:
		add(l, CRITICAL, "storage_read_only", "make the file system writable; walletd goes on by itself",
		    "The database cannot be written: nothing is sent or received.");
		break;
	case STORE_DAMAGED:
		add(l, CRITICAL, "storage_damaged",
		    "stop walletd, keep wallet.db aside, put a backup in its place, start again",
		    "The database is damaged: nothing is sent or received.");
		break;
	}
	if (ledger->code != ERR_NONE)
		add(l, CRITICAL, "ledger_mismatch", "backup.create",
		    arena_printf(l->a, "The ledger and the coins do not agree: %s", ledger->msg));
}

static void look_at_wallet(struct list *l)
{
	struct wallet_row row;
	struct err err;
	unsigned waiting;

	switch (wallet_state(l->server->opt.wallet)) {
	case WALLET_NONE:
		add(l, INFO, "no_wallet", "wallet.create", "There is no wallet yet.");
		return;
	case WALLET_LOCKED:
		if (action_store_backlog(l->view, l->now_ms, 1000, &waiting, &err) != 0)
			add_unreadable(l, "the queue of actions", &err);
		else
			add(l, waiting ? CRITICAL : WARNING, "wallet_locked", "wallet.unlock",
			    arena_printf(l->a, "The wallet is locked; %u%s actions wait for it.", waiting,
					 waiting == 1000 ? " or more" : ""));
		break;
	case WALLET_UNLOCKED:
		break;
	}
	if (wallet_info(l->server->opt.wallet, l->a, &row, &err) != 0)
		add_unreadable(l, "the wallet", &err);
	else if (!row.encrypted)
		add(l, WARNING, "plaintext_seed",
		    "wallet.create with a passphrase in another datadir, and send the money there",
		    "The seed is kept in clear: whoever reads the database or a backup has the money.");
}

static void look_at_backup(struct list *l)
{
	const char *text = NULL;
	int64_t at = 0;
	struct err err;
	int rc;

	if (wallet_state(l->server->opt.wallet) == WALLET_NONE)
		return;
	rc = meta_get(l->view, l->a, "backup_at_ms", &text, &err);
	if (rc < 0) {
		add_unreadable(l, "the time of the last backup", &err);
		return;
	}
	if (rc == 0 || !parse_i64(text, 0, INT64_MAX, &at))
		add(l, WARNING, "no_backup", "backup.create",
		    "No backup was made yet: ecash is in this database alone.");
	else if (l->now_ms - at > l->server->opt.backup_max_age_ms)
		add(l, WARNING, "old_backup", "backup.create",
		    arena_printf(l->a, "The newest backup is %" PRId64 " days old.", (l->now_ms - at) / DAY_MS));
}

static void add_action(struct list *l, const struct action_row *row)
{
	bool ours = row->error_kind && err_class_of(err_code_of(row->error_kind)) == ERR_BUG;
	json_t *item;

	if (row->status == ACTION_UNCERTAIN)
		item = add(l, WARNING, "action_uncertain", "action.explain",
			   arena_printf(l->a,
					"It is not known whether the last request of %s %s acted; it is asked again"
					" (%u tries so far): %s",
					row->kind, row->id.s, row->attempts, row->error_msg ? row->error_msg : ""));
	else if (ours)
		item = add(l, CRITICAL, "action_bug", "action.explain",
			   arena_printf(l->a, "%s %s met an error of walletd's own: %s", row->kind, row->id.s,
					row->error_msg ? row->error_msg : ""));
	else
		item = add(l, WARNING, "action_stuck", "action.explain",
			   arena_printf(l->a, "%s %s has failed %u times: %s", row->kind, row->id.s, row->attempts,
					row->error_msg ? row->error_msg : ""));
	json_set_str(item, "action_id", row->id.s);
}

/* A paid quote becomes ecash within seconds; one whose action is in trouble may end before it does. */
static void look_at_quote(struct list *l, const struct action_row *row)
{
	struct mint_quote_row quote;
	struct err err;
	json_t *item, *stake;

	if (quote_store_by_holder(l->view, l->a, &row->id, &quote, &err) != 0) {
		if (err.code != ERR_NOT_FOUND)
			add_unreadable(l, "the quotes", &err);
		return;
	}
	if (quote.state != QUOTE_PAID || quote.expiry_s == 0 || quote.expiry_s * 1000 > l->now_ms + QUOTE_NEAR_MS)
		return;
	item = add(l, CRITICAL, "paid_quote_expiring", "action.explain",
		   "A paid invoice has not become ecash yet, and the mint's quote ends soon.");
	stake = json_object_in(l->a);
	json_set_int(item, "deadline_ms", quote.expiry_s * 1000);
	json_set_u64(stake, "amount", ecash_value(quote.amount));
	json_set_str(stake, "unit", quote.amount.unit.s);
	json_set(item, "at_stake", stake);
	json_set_str(item, "action_id", row->id.s);
}

static void look_at_actions(struct list *l)
{
	struct action_row *rows;
	struct err err;
	size_t n;

	if (action_store_troubled(l->view, l->a, 1, TROUBLED_SHOWN, &rows, &n, &err) != 0) {
		add_unreadable(l, "the actions in trouble", &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		bool ours = rows[i].error_kind && err_class_of(err_code_of(rows[i].error_kind)) == ERR_BUG;

		if (rows[i].status == ACTION_UNCERTAIN || rows[i].attempts >= TROUBLE_TRIES || ours)
			add_action(l, &rows[i]);
		look_at_quote(l, &rows[i]);
	}
}

static void add_mint(struct list *l, const struct mint_row *mint, const struct account_total *of, int64_t ours)
{
	bool lies = err_code_of(mint->trouble) == ERR_PEER_INVALID;
	json_t *stake, *item;

	item = add(l, lies ? CRITICAL : WARNING, lies ? "mint_misbehaves" : "mint_trouble", "mint.add reads it again",
		   arena_printf(l->a, "The mint %s: %s, for %" PRId64 " minutes.", mint->url, mint->trouble,
				(l->now_ms - mint->trouble_since_ms) / 60000));
	if (!of)
		return;
	stake = json_object_in(l->a);
	json_set_int(stake, "amount", ours);
	json_set_str(stake, "unit", of->unit.s);
	json_set(item, "at_stake", stake);
}

/* Once for each unit in which something of ours is there; a mint that is trusted, and has nothing, is told of as well. */
static unsigned look_at_mint(struct list *l, const struct mint_row *mint, const struct account_total *totals, size_t n)
{
	unsigned shown = 0;

	for (size_t i = 0; i < n; i++) {
		const int64_t *t = totals[i].total;
		int64_t ours = t[ACCOUNT_SPENDABLE] + t[ACCOUNT_LOCKED] + t[ACCOUNT_SENT];

		if (totals[i].mint_id != mint->id || ours <= 0)
			continue;
		add_mint(l, mint, &totals[i], ours);
		shown++;
	}
	if (shown == 0 && mint->trusted) {
		add_mint(l, mint, NULL, 0);
		shown++;
	}
	return shown;
}

static void look_at_mints(struct list *l)
{
	struct account_total *totals;
	struct mint_row *rows;
	unsigned shown = 0;
	size_t n, n_totals;
	struct err err;

	if (mint_store_list(l->view, l->a, 0, MINTS_MAX, &rows, &n, &err) != 0 ||
	    movement_totals(l->view, l->a, &totals, &n_totals, &err) != 0) {
		add_unreadable(l, "the mints", &err);
		return;
	}
	for (size_t i = 0; i < n && shown < TROUBLED_SHOWN; i++)
		if (rows[i].trouble)
			shown += look_at_mint(l, &rows[i], totals, n_totals);
}

/* What saves it. */
static const char *saves(struct arena *a, const struct ecash_expiry *e)
{
	if (e->past)
		return "ask the mint's operator";
	switch (e->state) {
	case PROOF_SENT:
		return "action.cancel takes it back, unless whoever it is for claims it";
	case PROOF_LOCKED:
		return "action.explain";
	case PROOF_SPENDABLE:
	case PROOF_PENDING:
	case PROOF_SPENT:
	case PROOF_INVALID:
		break;
	}
	if (e->replaceable)
		return arena_printf(
			a,
			"action.start kind=cashu_swap mint=%s unit=%s retiring=true; walletd does so by itself"
			" when the mint answers",
			e->mint, e->unit.s);
	return arena_printf(a, "action.start kind=cashu_transfer from=%s to=another mint; or cashu_melt, cashu_send",
			    e->mint);
}

static enum severity severity_of(const struct list *l, const struct ecash_expiry *e)
{
	if (!e->past)
		return e->at_ms - l->now_ms < EXPIRY_ALARM_MS ? CRITICAL : WARNING;
	return l->now_ms - e->at_ms < EXPIRY_TOLD_MS ? WARNING : INFO;
}

static void add_expiry_of_ecash(struct list *l, const struct ecash_expiry *e)
{
	json_t *stake = json_object_in(l->a), *item;

	item = add(l, severity_of(l, e), e->past ? "ecash_expired" : "ecash_expires", saves(l->a, e),
		   arena_printf(l->a,
				e->past ? "%s %" PRIu64 " %s of %s that have expired: the mint takes them no more."
					: "%s %" PRIu64
					  " %s of %s that expire: after that the mint takes them no more.",
				e->state == PROOF_SENT ? "A token that nobody has claimed holds" : "There are",
				e->amount, e->unit.s, e->mint));
	json_set_int(item, "deadline_ms", e->at_ms);
	json_set_u64(stake, "amount", e->amount);
	json_set_str(stake, "unit", e->unit.s);
	json_set(item, "at_stake", stake);
	if (!action_id_is_empty(&e->holder))
		json_set_str(item, "action_id", e->holder.s);
}

static void look_at_expiries(struct list *l)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16u << 20);
	struct ecash_expiry *rows;
	struct err err;
	size_t n;

	if (ecash_expiring(l->view, &a, l->now_ms, TROUBLED_SHOWN, &rows, &n, &err) != 0) {
		add_unreadable(l, "the ecash that expires", &err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		add_expiry_of_ecash(l, &rows[i]);
}

/* --- payments whose block has gone --- */

#define PENDING_LOOKED_AT 100
#define PENDING_ROOM      ((size_t)1024 * 1024)

struct taken_back {
	struct list *l;
	struct arena *a; /* of the look */
	unsigned shown;
};

/* A payment that has ended had a block, and as many on top as were asked for. */
static void look_at_pending(void *ctx, const struct tx_row *tx)
{
	struct taken_back *t = ctx;
	char txid[TXID_TEXT];
	struct action_row row;
	struct err err;
	json_t *item;

	if (t->shown >= TROUBLED_SHOWN || !tx->own || action_id_is_empty(&tx->action))
		return;
	if (action_store_get(t->l->view, t->a, &tx->action, &row, &err) != 0) {
		if (err.code != ERR_NOT_FOUND) /* an exit's, or gone with retention_days */
			add_unreadable(t->l, "a payment", &err);
		return;
	}
	if (row.status != ACTION_DONE && row.status != ACTION_CANCELLED)
		return;
	txid_text(&tx->txid, txid);
	item = add(t->l, WARNING, "payment_reorganised", arena_printf(t->l->a, "tx.get with txid=%s", txid),
		   arena_printf(t->l->a,
				"The payment %s was over, and its block has gone with a reorganisation: it waits for"
				" another one, and is sent again where nodes have lost it.",
				row.id.s));
	json_set_str(item, "action_id", row.id.s);
	t->shown++;
}

static void look_at_payments(struct list *l)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(PENDING_ROOM);
	const struct tx_query q = { .place = TX_PENDING, .oldest_first = true, .limit = PENDING_LOOKED_AT };
	struct taken_back t = { .l = l, .a = &own };
	struct err err;

	if (tx_store_list(l->view, &own, &q, look_at_pending, &t, &err) < 0)
		add_unreadable(l, "the payments", &err);
}

/* --- payments and claims that were over, and have lost --- */

#define LOSSES_LOOKED_AT 1000u
#define LOSS_TOLD        1008u /* blocks on top of what took its place: a week, as for what an exit has lost */

struct losses {
	struct list *l;
	struct arena *a; /* of the look */
	uint32_t tip;
	struct action_id shown[TROUBLED_SHOWN];
	unsigned n;
};

static bool is_shown(const struct losses *t, const struct action_id *holder)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strcmp(t->shown[i].s, holder->s) == 0)
			return true;
	return false;
}

/* As many as make a payment done make it lost. */
static bool is_for_good(const struct losses *t, const struct tx_loss *loss)
{
	uint32_t depth = t->tip >= loss->block.height ? t->tip - loss->block.height + 1 : 1;

	return loss->place == TX_CONFIRMED &&
	       depth >= executor_policy(t->l->server->opt.executor)->onchain.confirmations;
}

/* Where what took its place stands. */
static const char *winner_words(const struct losses *t, const struct tx_loss *loss)
{
	char txid[TXID_TEXT];

	txid_text(&loss->winner, txid);
	if (loss->place != TX_CONFIRMED)
		return arena_printf(t->l->a, "%s, which no block has yet", txid);
	return arena_printf(t->l->a, "%s, which is in block %" PRIu32 "%s", txid, loss->block.height,
			    is_for_good(t, loss) ? "" : " and may go with it");
}

static json_t *add_loss(struct losses *t, const struct tx_loss *loss, const char *kind, const char *next,
			const char *what, uint64_t sat)
{
	json_t *item = add(t->l, CRITICAL, kind, next, what), *stake = json_object_in(t->l->a);
	char txid[TXID_TEXT];

	txid_text(&loss->tx.txid, txid);
	json_set_str(item, "txid", txid);
	txid_text(&loss->winner, txid);
	json_set_str(item, "replaced_by", txid);
	json_set_u64(stake, "amount", sat);
	json_set_str(stake, "unit", "sat");
	json_set(item, "at_stake", stake);
	t->shown[t->n++] = loss->tx.action;
	return item;
}

/* What a payment was to pay; for a way back, what was to come back. */
static int amount_of(struct arena *a, const struct action_row *row, const struct tx_loss *loss, uint64_t *ret,
		     struct err *err)
{
	json_t *result;

	*ret = sat_value(loss->tx.value_out);
	if (row->status == ACTION_CANCELLED || !row->result)
		return 0;
	return json_parse(a, bytes_of(row->result), JSON_DEPTH_MAX, &result, err) != 0
		       ? -1
		       : json_get_u64(result, "amount_sat", SAT_MONEY_MAX, ret, err);
}

static int lost_payment(struct losses *t, const struct tx_loss *loss, struct err *err)
{
	bool way_back = strcmp(loss->tx.kind, "cancel") == 0, for_good = is_for_good(t, loss);
	const char *what, *next;
	struct action_row row;
	uint64_t sat;

	if (action_store_get(t->l->view, t->a, &loss->tx.action, &row, err) != 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1; /* gone with retention_days */
	/* The payment that was cancelled is out because its way back is not, and the other way round. */
	if (row.status != (way_back ? ACTION_CANCELLED : ACTION_DONE))
		return 0;
	if (amount_of(t->a, &row, loss, &sat, err) != 0)
		return -1;
	what = arena_printf(
		t->l->a,
		way_back ? "The payment %s was cancelled, and what paid its coins back has lost them to the"
			   " transaction %s: they have not come back."
			 : "The payment %s was over, and has lost its coins to the transaction %s: what it paid"
			   " has not arrived.",
		row.id.s, winner_words(t, loss));
	next = way_back   ? "tx.get tells what took them; does another wallet use the same words?"
	       : for_good ? "pay anew what is still owed; does another wallet use the same words?"
			  : "wait: pay nothing anew before that transaction is deep in the chain";
	json_set_str(add_loss(t, loss, "payment_lost", next, what, sat), "action_id", row.id.s);
	return 0;
}

/* Of an exit that nobody looks at any more, because its claim was deep enough; the others tell of themselves. */
static int lost_claim(struct losses *t, const struct tx_loss *loss, int64_t exit_id, struct err *err)
{
	struct exit_status status;
	struct exit_row row;
	int found = exit_store_get(t->l->view, t->a, exit_id, &row, err);

	if (found <= 0 || row.live || row.state != EXIT_CLAIMED)
		return found < 0 ? -1 : 0;
	if (exit_status_parse(t->a, row.checkpoint, &status, err) != 0)
		return -1;
	if (!txid_equal(&status.spender, &loss->tx.txid))
		return 0; /* another claim has it */
	json_set_int(
		add_loss(t, loss, "claim_lost", "exit.get; it comes back only if that transaction goes",
			 arena_printf(t->l->a,
				      "A claim of exits was over, and has lost what it claimed to the transaction %s.",
				      winner_words(t, loss)),
			 sat_value(loss->tx.value_out)),
		"exit", exit_id);
	return 0;
}

static void look_at_loss(void *ctx, const struct tx_loss *loss)
{
	const char *holder = loss->tx.action.s;
	struct losses *t = ctx;
	int64_t exit_id;
	struct err err;
	int rc = 0;

	if (t->n == TROUBLED_SHOWN || is_shown(t, &loss->tx.action))
		return;
	if (strcmp(loss->tx.kind, "claim") == 0 && text_starts(holder, "exit:") &&
	    parse_i64(holder + strlen("exit:"), 1, INT64_MAX, &exit_id))
		rc = lost_claim(t, loss, exit_id, &err);
	else
		rc = lost_payment(t, loss, &err);
	if (rc == 0)
		return;
	add_unreadable(t->l, "what has lost on chain", &err);
	t->n = TROUBLED_SHOWN; /* once is enough */
}

static void look_at_losses(struct list *l)
{
	SCOPED(arena) struct arena own = ARENA_LIMIT(PENDING_ROOM);
	struct losses t = { .l = l, .a = &own };
	struct block_row tip;
	struct err err;
	int rc = chain_store_tip(l->view, &tip, &err);

	if (rc == 1) {
		t.tip = tip.ref.height;
		rc = tx_store_losses(l->view, &own, t.tip < LOSS_TOLD ? 0 : t.tip - LOSS_TOLD + 1, LOSSES_LOOKED_AT,
				     look_at_loss, &t, &err);
	}
	if (rc < 0)
		add_unreadable(l, "what has lost on chain", &err);
}

/* Directives that were accepted while an outbox was configured, and that nobody delivers now. */
static void look_for_idle_directives(struct list *l)
{
	uint64_t tally[DELIVERY_COUNT], open;
	struct err err;

	if (directive_store_tally(l->view, 0, tally, &err) != 0) {
		add_unreadable(l, "the directives", &err);
		return;
	}
	open = tally[DELIVERY_PENDING] + tally[DELIVERY_CLAIMED] + tally[DELIVERY_RETRY] + tally[DELIVERY_SUBMITTED] +
	       tally[DELIVERY_INCLUDED];
	if (open > 0)
		add(l, CRITICAL, "outbox_not_configured",
		    "set evm_chain and outbox_space in walletd.conf as they were, and start walletd again",
		    arena_printf(l->a, "%" PRIu64 " directives are open, and no outbox is configured to deliver them.",
				 open));
}

static void look_at_outbox(struct list *l)
{
	static const enum severity severities[] = {
		[OUTBOX_CRITICAL] = CRITICAL,
		[OUTBOX_WARNING] = WARNING,
		[OUTBOX_INFO] = INFO,
	};
	struct outbox_trouble *troubles;
	struct err err;
	size_t n;

	if (!l->server->opt.outbox) {
		look_for_idle_directives(l);
		return;
	}
	if (outbox_troubles(l->server->opt.outbox, l->a, &troubles, &n, &err) != 0) {
		add_unreadable(l, "the outbox", &err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct outbox_trouble *t = &troubles[i];
		json_t *item = add(l, severities[t->severity], t->kind, t->next, t->what);

		if (t->directive_id)
			json_set_str(item, "directive_id", t->directive_id);
	}
}

/* --- VTXOs that expire --- */

struct expiring {
	struct list *l;
	uint32_t tip, margin;
	unsigned shown;
};

static json_t *add_expiry(const struct expiring *e, enum severity severity, const char *kind, const char *next,
			  const struct vtxo_row *row, const char *what)
{
	json_t *item = add(e->l, severity, kind, next, what), *stake = json_object_in(e->l->a);
	char id[OUTPOINT_TEXT];

	outpoint_text(&row->point, id);
	json_set_str(item, "vtxo_id", id);
	json_set_u64(stake, "amount", sat_value(row->amount));
	json_set_str(stake, "unit", "sat");
	json_set(item, "at_stake", stake);
	return item;
}

static void look_at_vtxo(void *ctx, const struct vtxo_row *row)
{
	struct expiring *e = ctx;
	int64_t left = exit_deadline(row, e->margin) - (int64_t)e->tip;
	json_t *item;

	if (e->shown++ >= TROUBLED_SHOWN)
		return;
	if (row->expiry_height <= e->tip) {
		add_expiry(e, CRITICAL, "vtxo_expired",
			   "exit.start, at once: it is not lost before its server takes it", row,
			   arena_printf(e->l->a, "A VTXO expired at height %" PRIu32 ": its server may take it.",
					row->expiry_height));
		return;
	}
	item = left <= 0
		       ? add_expiry(e, CRITICAL, "vtxo_exit_now", "exit.start", row,
				    arena_printf(
					    e->l->a,
					    "A VTXO expires at height %" PRIu32
					    ", and its exit needs %u blocks before that: begin it now, or refresh it.",
					    row->expiry_height, row->depth))
		       : add_expiry(e, WARNING, "vtxo_expires", "refresh it with its server; or exit.plan, exit.start",
				    row,
				    arena_printf(e->l->a,
						 "A VTXO expires at height %" PRIu32
						 ": its exit should begin within %" PRId64 " blocks.",
						 row->expiry_height, left));
	json_set_int(item, "deadline_ms", e->l->now_ms + (left > 0 ? left * BLOCK_MS : 0));
}

static void look_at_vtxos(struct list *l)
{
	const struct rpc_server_options *opt = &l->server->opt;
	struct expiring e = { .l = l, .margin = opt->exit_margin ? opt->exit_margin : EXIT_MARGIN_DEFAULT };
	uint32_t alarm = opt->exit_alarm ? opt->exit_alarm : EXIT_ALARM;
	struct block_row tip;
	struct err err;
	int found = chain_store_tip(l->view, &tip, &err);

	if (found == 1) {
		e.tip = tip.ref.height;
		/* By expiry: how long an exit is makes its deadline earlier, and the alarm no later. */
		found = vtxo_store_expiring(l->view, l->a, e.tip + alarm + e.margin, TROUBLED_SHOWN, look_at_vtxo, &e,
					    &err);
	}
	if (found < 0)
		add_unreadable(l, "the VTXOs", &err);
}

/* --- exits that cannot go on alone --- */

struct stuck {
	struct list *l;
	unsigned shown;
};

static json_t *add_exit(const struct stuck *s, const char *kind, const char *next, const struct exit_row *row,
			const char *what)
{
	json_t *item = add(s->l, CRITICAL, kind, next, what), *stake = json_object_in(s->l->a);
	char id[OUTPOINT_TEXT];

	outpoint_text(&row->vtxo, id);
	json_set_int(item, "exit", row->id);
	json_set_str(item, "vtxo_id", id);
	json_set_u64(stake, "amount", sat_value(row->amount));
	json_set_str(stake, "unit", "sat");
	json_set(item, "at_stake", stake);
	return item;
}

/* Is the last trouble that confirmed coins are short, and by how much?  What cannot be read is no such trouble. */
static bool is_short_of_coins(const struct exit_row *row, uint64_t *ret_sat)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256u * 1024);
	uint64_t needed, available;
	const char *type;
	struct err ignored;
	json_t *obj;

	if (!row->error || json_parse(&a, bytes_of(row->error), JSON_DEPTH_MAX, &obj, &ignored) != 0 ||
	    json_get_str(obj, "type", 64, &type, &ignored) != 0 ||
	    strcmp(type, exit_trouble_name(TROUBLE_FUNDS)) != 0 ||
	    json_get_u64(obj, "needed", SAT_MONEY_MAX, &needed, &ignored) != 0 ||
	    json_get_u64(obj, "available", needed, &available, &ignored) != 0)
		return false;
	*ret_sat = needed - available;
	return true;
}

/* What is wrong with the nodes, where that holds it up; NULL: nothing. */
static const char *node_trouble(struct arena *a, const struct exit_row *row)
{
	struct err ignored; /* what cannot be read is no such trouble */
	const char *words;
	json_t *obj;

	if (!exit_trouble_is(row->error, TROUBLE_NODE_POLICY) ||
	    json_parse(a, bytes_of(row->error), JSON_DEPTH_MAX, &obj, &ignored) != 0 ||
	    json_get_str(obj, "error", NODE_WORDS_MAX, &words, &ignored) != 0)
		return NULL;
	return words;
}

static void look_at_exit(void *ctx, const struct exit_row *row)
{
	struct stuck *s = ctx;
	SCOPED(arena) struct arena a = ARENA_LIMIT(256u * 1024);
	struct exit_status status;
	const char *words;
	struct err err;
	uint64_t more;

	if (s->shown >= TROUBLED_SHOWN)
		return;
	if (row->state == EXIT_PROCESSING && is_short_of_coins(row, &more)) {
		json_t *item = add_exit(
			s, "exit_needs_funds", "exit.prepare; or address.new, and pay to it", row,
			arena_printf(s->l->a, "An exit waits for %" PRIu64 " sat more in confirmed coins on chain.",
				     more));

		json_set_u64(item, "missing_sat", more);
		s->shown++;
	} else if (row->state == EXIT_PROCESSING && (words = node_trouble(&a, row)) != NULL) {
		add_exit(s, "exit_refused", "exit.get; it is tried again by itself", row,
			 arena_printf(s->l->a, "No node takes the transactions of an exit: %s.", words));
		s->shown++;
	} else if (row->state == EXIT_PROCESSING && exit_trouble_is(row->error, TROUBLE_INPUT_CONFLICT)) {
		add_exit(
			s, "exit_taken", "exit.get", row,
			"A block has a transaction that spends what an exit stands on: unless that block goes, it is over.");
		s->shown++;
	} else if (row->state == EXIT_CLAIMED) {
		if (exit_status_parse(&a, row->checkpoint, &status, &err) != 0) {
			add_unreadable(s->l, "an exit", &err);
			s->shown++;
		} else if (!status.spent_by_us) {
			add_exit(s, "exit_taken", "exit.get", row,
				 "What an exit has put on chain was taken by a transaction that is not ours.");
			s->shown++;
		}
	}
}

static void look_at_exits(struct list *l)
{
	const struct exit_query live = { .filter = EXITS_LIVE, .limit = EXITS_LOOKED_AT };
	SCOPED(arena) struct arena a = ARENA_LIMIT(16u << 20);
	struct stuck s = { .l = l };
	struct err err;

	if (exit_store_list(l->view, &a, &live, look_at_exit, &s, &err) < 0)
		add_unreadable(l, "the exits", &err);
}

static void add_trouble(void *ctx, int severity, const char *kind, const char *next, const char *what)
{
	static const enum severity severities[] = { CRITICAL, WARNING, INFO };

	add(ctx, severities[severity], kind, next, what);
}

/* Distributions mend 2.1.12 without renaming it.  The build says which mended package it was made with; that holds while
 * the library that was linked is still of the same release. */
static void look_at_libevent(struct list *l)
{
#ifdef LIBEVENT_DISTRO_PATCHED
	if (strcmp(event_get_version(), LIBEVENT_VERSION) == 0)
		return;
#endif
	if (event_get_version_number() < LIBEVENT_SOUND)
		add(l, INFO, "old_libevent", "install libevent 2.1.13 or your distribution's patched package",
		    arena_printf(l->a, "The HTTP library libevent %s has known faults that 2.1.13 mends.",
				 event_get_version()));
}

json_t *attention_list(struct rpc_server *server, struct arena *a)
{
	struct list l = { .server = server, .a = a, .view = store_view(server->opt.store), .now_ms = clock_now_ms() };
	json_t *all = json_array_in(a);

	for (enum severity s = CRITICAL; s <= INFO; s++)
		l.by_severity[s] = json_array_in(a);
	look_at_store(&l);
	look_at_wallet(&l);
	look_at_actions(&l);
	look_at_mints(&l);
	look_at_expiries(&l);
	look_at_payments(&l);
	look_at_losses(&l);
	chain_troubles(server, a, add_trouble, &l);
	lightning_troubles(server, a, add_trouble, &l);
	look_at_outbox(&l);
	look_at_vtxos(&l);
	look_at_exits(&l);
	look_at_backup(&l);
	look_at_libevent(&l);
	for (enum severity s = CRITICAL; s <= INFO; s++)
		json_array_extend(all, l.by_severity[s]);
	return all;
}
