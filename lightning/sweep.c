#include "lightning/sweep.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/net/json_call.h"
#include "base/text.h"
#include "rails/lightning/splice_hold.h"
#include "store/funding_store.h"
#include "store/splice_store.h"

#define ROOM ((size_t)64 << 20) /* a reply, and what a splice has in the tables */

struct sweep {
	struct loop *loop;
	struct store *store;
	const struct ln_backend *backend;
	const char *socket;
	struct log log;
	struct arena arena; /* of the splice that is looked at */
	struct json_call *call;
	bool running, any;
	struct hash32 at; /* which it is; !any: none yet */
};

struct sweep *sweep_new(struct loop *loop, struct store *store, const struct ln_backend *backend, const char *socket)
{
	struct sweep *w = calloc(1, sizeof(*w));

	if (!w)
		err_fatal("out of memory");
	w->loop = loop;
	w->store = store;
	w->backend = backend;
	w->socket = socket;
	w->log = log_module("lightning");
	w->arena = ARENA_LIMIT(ROOM);
	return w;
}

void sweep_free(struct sweep *w)
{
	if (!w)
		return;
	if (w->call)
		json_call_cancel(w->call);
	arena_done(&w->arena);
	free(w);
}

static void end(struct sweep *w, const struct err *failed)
{
	if (failed)
		log_warn(&w->log, "lightning.sweep_trouble", F_ERR(failed));
	w->running = false;
	arena_reset(&w->arena);
}

/* --- what was given back --- */

static int discard(struct unit *u, const struct funding_candidate *c, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (candidate_is_out(c[i].state) && c[i].state != CANDIDATE_LOCKED &&
		    funding_store_set_state(u, &c[i].txid, CANDIDATE_DISCARDED, err) != 0)
			return -1;
	return 0;
}

static int write_released(struct unit *u, void *ctx, struct err *err)
{
	struct sweep *w = ctx;
	struct funding_candidate *c;
	struct funding_payment p;
	struct splice_input *in;
	size_t n, n_c;
	int found = funding_store_get(unit_view(u), &w->at, &p, err);

	if (found < 0 || funding_store_candidates(unit_view(u), &w->arena, &w->at, &c, &n_c, err) != 0 ||
	    splice_store_inputs(unit_view(u), &w->arena, &w->at, &in, &n, err) != 0)
		return -1;
	if (found > 0 && p.status == FUNDING_FAILED && discard(u, c, n_c, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (!in[i].released && splice_store_released(u, &w->at, &in[i].at, err) != 0)
			return -1;
	return 0;
}

static void look_on(struct sweep *w);

static void written(void *ctx, const struct err *failed)
{
	struct sweep *w = ctx;

	if (failed) {
		end(w, failed);
		return;
	}
	log_info(&w->log, "lightning.swept",
		 F_STR("splice_id", hex_text(&w->arena, (struct bytes){ w->at.b, sizeof(w->at.b) })));
	look_on(w);
}

/* What the node refuses to release is not reserved any more. */
static void answered(void *ctx, const struct net_reply *rep)
{
	struct sweep *w = ctx;
	struct err err;

	w->call = NULL;
	if ((w->backend->release_decode(&w->arena, rep, &err) != 0 && err.class != ERR_REJECTED) ||
	    store_unit(w->store, write_released, w, written, &err) != 0)
		end(w, &err);
}

/* --- what is owed --- */

/* 1: it is to be released, and how that is asked; 0: not now; -1. */
static int ask_for(struct sweep *w, struct net_request *ret, struct err *err)
{
	const struct ln_node node = { .call = "wd:sweep", .socket = w->socket, .now_s = clock_now_ms() / 1000 };
	struct view v = store_view(w->store);
	struct funding_candidate *c;
	struct funding_payment p;
	struct splice_input *in;
	size_t n, n_c;
	char *psbt;
	int found = funding_store_get(v, &w->at, &p, err);

	if (found < 0 || funding_store_candidates(v, &w->arena, &w->at, &c, &n_c, err) != 0)
		return -1;
	if (!splice_hold_is_over(found ? &p : NULL, c, n_c))
		return 0;
	if (splice_store_inputs(v, &w->arena, &w->at, &in, &n, err) != 0 ||
	    splice_hold_psbt(&w->arena, in, n, &psbt, err) != 0 ||
	    w->backend->release_request(&w->arena, &node, psbt, ret, err) != 0)
		return -1;
	return 1;
}

static void look_on(struct sweep *w)
{
	struct net_request req = { 0 };
	struct err err;
	int rc;

	do {
		arena_reset(&w->arena);
		rc = splice_store_owing(store_view(w->store), w->any ? &w->at : NULL, &w->at, 1, &err);
		w->any = true;
		if (rc > 0)
			rc = ask_for(w, &req, &err);
		else if (rc == 0)
			break;
	} while (rc == 0);
	if (rc > 0)
		w->call = json_call_submit(w->loop, &req, answered, w);
	else
		end(w, rc < 0 ? &err : NULL);
}

void sweep_run(struct sweep *w)
{
	if (w->running || !w->backend->release_request)
		return;
	w->running = true;
	w->any = false;
	look_on(w);
}
