/* actions/drive_exchange.c - what the state of a step asks: a request to some peer, a question about the block chain, or
 * nothing.  In a double drive it is asked for twice, and must be the same. */
#include <stdlib.h>
#include <string.h>

#include "actions/executor_internal.h"

/* Of each state one is used. */
struct asked {
	struct net_request request;
	struct chain_question question;
};

static void plain_request_done(void *ctx, const struct net_reply *rep)
{
	struct drive *d = ctx;

	d->plain_call = NULL;
	d->net_unknown = rep->outcome == NET_UNKNOWN;
	drive_reply(d, rep, NULL);
}

static void request_done(void *ctx, const struct net_reply *rep)
{
	struct drive *d = ctx;

	d->call = NULL;
	d->net_unknown = rep->outcome == NET_UNKNOWN;
	drive_reply(d, rep, NULL);
}

static void question_done(void *ctx, const struct chain_answer *got)
{
	struct drive *d = ctx;

	d->ask = NULL;
	drive_reply(d, NULL, got);
}

static bool requests_equal(const struct net_request *a, const struct net_request *b)
{
	const char *at_a = a->plain_json ? a->unix_socket : a->url, *at_b = b->plain_json ? b->unix_socket : b->url;

	return a->plain_json == b->plain_json && strcmp(at_a, at_b) == 0 && bytes_equal(a->body, b->body) &&
	       (a->plain_json || strcmp(a->method, b->method) == 0);
}

static bool asked_equal(const struct asked *a, const struct asked *b)
{
	const struct outpoint *p = a->question.unspent, *q = b->question.unspent;
	struct wtxid x, y;

	if (p || q)
		return p && q && outpoint_equal(p, q);
	if (!a->question.broadcast || !b->question.broadcast)
		return !a->question.broadcast && !b->question.broadcast && requests_equal(&a->request, &b->request);
	x = tx_wtxid(a->question.broadcast);
	y = tx_wtxid(b->question.broadcast);
	return wtxid_equal(&x, &y);
}

/* 0, NOTHING_TO_ASK or -1. */
static int enter(struct drive *d, const struct state_def *st, struct asked *ret, struct err *err)
{
	if (drive_load(d, err) != 0)
		return -1;
	return st->ask ? st->ask(&d->step, &ret->question, err) : st->enter(&d->step, &ret->request, err);
}

static int enter_again(struct drive *d, const struct state_def *st, const struct asked *first, struct err *err)
{
	struct asked second = { 0 };
	int rc = enter(d, st, &second, err);

	if (rc == 0 && !asked_equal(first, &second)) {
		fprintf(stderr, "double drive: %s in state %s asks two different things\n", d->kind->name, st->name);
		abort();
	}
	return rc;
}

static struct chain_ask *put_question(struct drive *d, const struct chain_question *what)
{
	const struct chain_then then = { question_done, d };

	if (what->unspent)
		return chain_ask_spends(d->ex->opt.chain, what->unspent, 1, UINT32_MAX, then);
	return chain_ask_broadcast(d->ex->opt.chain, what->broadcast, then);
}

static void submit(struct drive *d, const struct state_def *st, const struct asked *what)
{
	struct err err;

	if (!st->ask && what->request.plain_json) {
		d->plain_call = json_call_submit(d->ex->opt.loop, &what->request, plain_request_done, d);
	} else if (!st->ask) {
		d->call = http_submit(d->ex->opt.http, &what->request, request_done, d);
	} else if (d->ex->opt.chain) {
		d->ask = put_question(d, &what->question);
	} else {
		ERR(&err, ERR_CONFIG, "no node is configured to ask about the block chain");
		err_hint(&err, "set bitcoind_url or esplora_url in walletd.conf");
		drive_trouble(d, &err);
	}
}

void drive_exchange(struct drive *d)
{
	const struct state_def *st = kind_state(d->kind, d->step.row.state);
	struct asked what = { 0 };
	struct err err;
	int rc;

	if (!executor_has_keys_for(d->ex, d->kind)) {
		drive_end(d);
		return;
	}
	if (!st->enter && !st->ask) {
		drive_reply(d, NULL, NULL);
		return;
	}
	rc = enter(d, st, &what, &err);
	if (rc == 0 && d->ex->double_drive)
		rc = enter_again(d, st, &what, &err);
	if (rc < 0)
		drive_trouble(d, &err);
	else if (rc == NOTHING_TO_ASK)
		drive_reply(d, NULL, NULL);
	else
		submit(d, st, &what);
}
