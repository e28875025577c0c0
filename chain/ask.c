/* The life of a question: it waits at a backend, goes out step by step, and ends with an answer or without.  A backend that
 * fails it is left with everything that was learnt there, and the next one hears it from the start.
 *
 * done() runs from a post of the loop and from nowhere else, so that whatever happens in here happens to lists that no caller
 * changes meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "chain/source_internal.h"

#define CONNECT_MS   5000
#define RESTARTS_MAX 10
#define PARAMS_MAX   ((size_t)32 * 1024 * 1024)
#define FOUND_MAX    (TX_ARENA_FOR((size_t)TX_SIZE_MAX) + 32 * 1024 * 1024)
#define SCRATCH_MAX  ((size_t)64 * 1024 * 1024)

/* --- beginning and end --- */

struct chain_ask *ask_new(struct chain_source *s, enum ask_kind kind, struct chain_then then)
{
	struct chain_ask *q = calloc(1, sizeof(*q));

	if (q == NULL)
		abort();
	q->s = s;
	q->kind = kind;
	q->then = then;
	q->params = ARENA_LIMIT(PARAMS_MAX);
	q->found = ARENA_LIMIT(FOUND_MAX);
	q->scratch = ARENA_LIMIT(SCRATCH_MAX);
	q->answer.backend = -1;
	LIST_INSERT_HEAD(&s->asks, q, link);
	s->in_flight++;
	return q;
}

static void ask_stop(struct chain_ask *q)
{
	if (q->waits)
		TAILQ_REMOVE(&q->at->waiting, q, queued);
	q->waits = false;
	if (q->call != NULL) {
		http_cancel(q->call);
		q->at->in_flight--;
	}
	q->call = NULL;
}

void ask_free(struct chain_ask *q)
{
	ask_stop(q);
	if (q->over)
		loop_unpost(q->s->opt.loop, ask_deliver, q);
	LIST_REMOVE(q, link);
	q->s->in_flight--;
	arena_done(&q->scratch);
	arena_done(&q->found);
	arena_done(&q->params);
	free(q);
}

void ask_deliver(void *ctx)
{
	struct chain_ask *q = ctx;

	q->over = false;
	q->then.done(q->then.ctx, &q->answer);
	ask_free(q);
}

void ask_over(struct chain_ask *q)
{
	q->over = true;
	counts_ended(&q->s->counts, q->kind, &q->answer.err);
	loop_post(q->s->opt.loop, ask_deliver, q);
}

/* Of something that was sent, nobody knows then: its class says so.  Fees have a fallback, which needs no backend. */
static void ask_fail(struct chain_ask *q, const struct err *why)
{
	struct chain_answer a = { .err = *why, .backend = -1 };
	const char *words = arena_strdup(&q->found, why->msg);
	struct fee_rates rates;
	struct err ignored; /* that there is no fallback is no news; why there is no estimate is */

	if (q->kind == ASK_BROADCAST)
		a.broadcast = (struct chain_broadcast){ BROADCAST_UNKNOWN, words };
	if (q->kind == ASK_PACKAGE)
		package_unknown(q->p.txids, q->p.n, words, &a.package);
	if (q->kind == ASK_FEES && fees_update(&q->s->fees, NULL, NULL, source_now_ms(), &rates, &ignored) == 0)
		a = (struct chain_answer){ .backend = -1, .rates = rates };
	q->answer = a;
	ask_over(q);
}

/* --- choosing --- */

static void run_start(struct chain_ask *q)
{
	arena_reset(&q->scratch);
	arena_reset(&q->found);
	memset(&q->run, 0, sizeof(q->run));
	q->answer = (struct chain_answer){ .backend = -1 };
	q->relogged = false;
}

static bool all_wrong(const struct chain_source *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!s->b[i].breaker.wrong_network)
			return false;
	return true;
}

/* *why: the last one's words, or NULL when nobody could be asked. */
static void nobody_left(struct chain_ask *q, const struct err *why)
{
	struct err err;
	int64_t wait;

	if (q->only == NULL && all_wrong(q->s))
		ERR(&err, ERR_NETWORK, "no backend is of %s", network_names[q->s->opt.network]);
	else if (why != NULL)
		err = *why;
	else
		ERR(&err, ERR_PEER_DOWN, "no backend is fit to be asked");
	if (!chain_is_usable(q->s, &wait) && wait > 0 && err.class == ERR_TRANSIENT)
		err.retry_after_s = (int)((wait + 999) / 1000);
	ask_fail(q, &err);
}

void ask_move(struct chain_ask *q, const struct err *why)
{
	struct err kept = { .code = ERR_NONE };
	struct backend *b;

	if (why != NULL)
		kept = *why; /* it may be in what is reset */
	ask_stop(q);
	run_start(q);
	b = q->only == NULL ? backend_choose(q->s, q->tried) : NULL;
	if (b == NULL) {
		nobody_left(q, why != NULL ? &kept : NULL);
		return;
	}
	q->at = b;
	q->tried |= 1u << b->i;
	q->waits = true;
	TAILQ_INSERT_TAIL(&b->waiting, q, queued);
	backend_pump(b);
}

void ask_start(struct chain_ask *q)
{
	ask_move(q, NULL);
}

/* --- an answer --- */

/* Is it an answer that a backend which has not caught up could be wrong about? */
static bool is_absence(const struct chain_ask *q)
{
	const struct chain_answer *a = &q->answer;

	switch (q->kind) {
	case ASK_STATUS:
		return a->status.place == CHAIN_NOT_FOUND;
	case ASK_TX:
	case ASK_COIN:
	case ASK_ENTRY:
		return !a->found;
	case ASK_SPENDS:
		for (size_t i = 0; i < q->p.n; i++)
			if (a->spends[i].state == CHAIN_UNSPENT || a->spends[i].state == CHAIN_SPENT_UNSEEN)
				return true;
		return false;
	case ASK_BROADCAST:
		return a->broadcast.class == BROADCAST_INPUTS_GONE;
	case ASK_PACKAGE:
		return a->package.class == PACKAGE_INPUTS_GONE || a->package.class == PACKAGE_TOPOLOGY;
	case ASK_VERIFY:
	case ASK_TIP:
	case ASK_REF:
	case ASK_HEADER:
	case ASK_BLOCK:
	case ASK_NEW_BLOCK:
	case ASK_FILTER:
	case ASK_MEMPOOL:
	case ASK_TEST:
	case ASK_FEES:
	case ASK_LIMITS:
	case ASK_HISTORY:
	case ASK_SCRIPT_STATS:
	case ASK_SCAN_COINS:
	case ASK_SCAN_BLOCKS:
		break;
	}
	return false;
}

/* Another backend may have taken what this one says no to. */
static void join_classes(struct chain_ask *q)
{
	struct chain_answer *a = &q->answer;

	if (!q->maybe_delivered)
		return;
	if (q->kind == ASK_BROADCAST)
		a->broadcast.class = broadcast_class_join(BROADCAST_UNKNOWN, a->broadcast.class);
	if (q->kind == ASK_PACKAGE)
		a->package.class = package_class_join(PACKAGE_UNKNOWN, a->package.class);
}

static bool fees_finish(struct chain_ask *q, struct err *err)
{
	const struct feerate *floor = q->run.has_floor ? &q->run.floor : NULL;

	return fees_update(&q->s->fees, &q->run.fees, floor, source_now_ms(), &q->answer.rates, err) == 0;
}

static void step_done(struct chain_ask *q)
{
	struct err err;

	if (q->run.unready && is_absence(q)) {
		ERR(&err, ERR_PEER_BUSY, "the node is still catching up");
		ask_move(q, &err);
		return;
	}
	if (q->kind == ASK_FEES && !fees_finish(q, &err)) {
		ask_move(q, &err);
		return;
	}
	if (q->kind == ASK_TIP)
		source_saw_tip(q->s, &q->answer.header.ref);
	join_classes(q);
	q->answer.backend = (int)q->at->i;
	ask_over(q);
}

/* --- no answer --- */

/* Statuses that a server gives before it looks at what it was sent. */
static bool may_have_taken(const struct net_reply *rep, const struct err *why)
{
	if (rep->outcome == NET_NOT_SENT)
		return false;
	return rep->outcome == NET_UNKNOWN || (why->code != ERR_PEER_AUTH && why->code != ERR_PEER_BUSY);
}

/* The backend is all right, and cannot do this, or may not; or the question is at fault. */
static bool is_backends_fault(const struct err *why)
{
	return why->code == ERR_PEER_DOWN || why->code == ERR_PEER_BUSY || why->code == ERR_PEER_AUTH ||
	       why->code == ERR_PEER_INVALID;
}

static void go_on_after(struct chain_ask *q, const struct err *why)
{
	if (is_backends_fault(why))
		backend_failed(q->at, why);
	if (why->code == ERR_NETWORK)
		backend_is_wrong(q->at, why);
	if (is_backends_fault(why) || why->code == ERR_NETWORK || why->code == ERR_UNSUPPORTED)
		ask_move(q, why);
	else
		ask_fail(q, why);
}

static void reply_failed(struct chain_ask *q, const struct net_reply *rep, const struct err *why)
{
	/* The node was started anew, and has another cookie by now. */
	if (why->code == ERR_PEER_AUTH && !q->relogged && login_changed(q->at->login)) {
		q->relogged = true;
		ask_send(q);
		return;
	}
	if (may_have_taken(rep, why))
		q->maybe_delivered = true;
	if (!is_backends_fault(why) && why->code != ERR_NETWORK)
		backend_answered(q->at, q->start_us);
	go_on_after(q, why);
}

/* --- steps --- */

enum step step_done_if(int rc)
{
	return rc == 0 ? STEP_DONE : STEP_FAILED;
}

enum step step_next(struct chain_ask *q, int step)
{
	q->run.step = step;
	return STEP_NEXT;
}

enum step step_again(struct chain_ask *q, int step, struct err *err)
{
	if (++q->run.restarts <= RESTARTS_MAX)
		return step_next(q, step);
	ERR(err, ERR_BUSY, "the chain moves faster than it can be asked about");
	return STEP_FAILED;
}

static void on_reply(void *ctx, const struct net_reply *rep)
{
	struct chain_ask *q = ctx;
	struct backend *b = q->at;
	struct err err;

	q->call = NULL;
	b->in_flight--;
	arena_reset(&q->scratch);
	switch (q->s->driver->reply(q, rep, &err)) {
	case STEP_DONE:
		backend_answered(b, q->start_us);
		step_done(q);
		break;
	case STEP_NEXT:
		backend_answered(b, q->start_us);
		ask_send(q);
		break;
	case STEP_FAILED:
		reply_failed(q, rep, &err);
		break;
	}
	backend_pump(b);
}

void ask_send(struct chain_ask *q)
{
	struct backend *b = q->at;
	struct net_request req = { .method = NULL };
	struct err err;

	if (q->waits)
		TAILQ_REMOVE(&b->waiting, q, queued);
	q->waits = false;
	arena_reset(&q->scratch);
	if (q->s->driver->request(q, &req, &err) != 0) {
		go_on_after(q, &err);
		return;
	}
	req.connect_timeout_ms = CONNECT_MS;
	if (q->s->opt.timeout_ms > 0)
		req.timeout_ms = q->s->opt.timeout_ms;
	q->start_us = clock_mono_us();
	q->call = http_submit(q->s->opt.http, &req, on_reply, q);
	b->in_flight++;
}
