#include "tests/support/outbox_drive.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "outbox/internal.h"
#include "store/outbox_audit.h"

#define ETHER_GWEI UINT64_C(1000000000)

struct outbox_drive outbox_drive;
static struct err e, *err = &e;
static const char *urls[OUTBOX_NODES_MAX];

/* --- life --- */

static void nodes_up(void)
{
	for (size_t i = 0; i < outbox_drive.n_nodes; i++) {
		outbox_drive.nodes[i] = evm_node_on(outbox_world.loop, outbox_drive.chain);
		urls[i] = evm_node_url(outbox_drive.nodes[i]);
	}
	outbox_world.chain.urls = urls;
	outbox_world.chain.n_urls = outbox_drive.n_nodes;
}

static void nodes_down(void)
{
	for (size_t i = 0; i < OUTBOX_NODES_MAX; i++) {
		if (outbox_drive.nodes[i])
			evm_node_free(outbox_drive.nodes[i]);
		outbox_drive.nodes[i] = NULL;
	}
}

static void fund(void)
{
	const struct outbox *ob = outbox_world.ob;
	struct wei rich = { .hi = 1, .lo = 0 }; /* 18 ether */

	for (size_t i = 0; i < ob->n_chains; i++)
		for (size_t k = 0; k < ob->chains[i]->n_lanes; k++)
			evm_chain_fund(outbox_drive.chain, &ob->chains[i]->lanes[k]->address, rich);
}

static void come_up(void)
{
	outbox_world_up();
	fund();
	outbox_turns(2);
}

void outbox_drive_again(void)
{
	outbox_world_down();
	come_up();
}

void outbox_drive_setup(void)
{
	outbox_world_prepare();
	outbox_drive = (struct outbox_drive){ .n_nodes = 1 };
	outbox_drive.chain = evm_chain_new(OUTBOX_CHAIN, &outbox_world.spaces[0].contract);
	outbox_world.nodes_up = nodes_up;
	outbox_world.nodes_down = nodes_down;
	come_up();
}

void outbox_drive_teardown(void)
{
	outbox_quiet();
	ck_assert_msg(outbox_audit(store_view(outbox_world.disk.store), err) == 0, "%s", err->msg);
	outbox_teardown();
	evm_chain_free(outbox_drive.chain);
}

/* --- moving --- */

static bool chain_is_quiet(const struct chain *c)
{
	if (c->polling || c->tracking || c->elsewhere || endpoints_in_flight(c->ep) > 0)
		return false;
	for (size_t i = 0; i < c->n_lanes; i++)
		if (c->lanes[i]->batch || timer_is_started(c->lanes[i]->linger))
			return false;
	return true;
}

static bool is_quiet(void)
{
	const struct outbox *ob = outbox_world.ob;

	if (ob->units > 0 || ob->searches || ob->sends || ob->pump_posted)
		return false;
	for (size_t i = 0; i < ob->n_spaces; i++)
		if (ob->spaces[i]->check)
			return false;
	for (size_t i = 0; i < ob->n_chains; i++)
		if (!chain_is_quiet(ob->chains[i]))
			return false;
	return true;
}

void outbox_quiet(void)
{
	outbox_run_until(is_quiet);
}

static int looks_before_quiet;

/* What is due in the next turn of the loop has begun by the third look. */
static bool is_quiet_again(void)
{
	return ++looks_before_quiet > 2 && is_quiet();
}

void outbox_turn(void)
{
	const struct outbox *ob = outbox_world.ob;

	outbox_quiet();
	for (size_t i = 0; i < ob->n_chains; i++)
		timer_start(ob->chains[i]->poll, 0);
	looks_before_quiet = 0;
	outbox_run_until(is_quiet_again);
}

void outbox_turns(unsigned n)
{
	while (n-- > 0)
		outbox_turn();
}

void outbox_block(void)
{
	evm_chain_mine(outbox_drive.chain);
	outbox_turn();
}

void outbox_blocks(unsigned n)
{
	while (n-- > 0)
		outbox_block();
}

void outbox_pass(int64_t ms)
{
	clock_pass_for_test(ms);
	outbox_run(outbox_world.ob);
	outbox_turn();
}

/* --- directives --- */

struct outbox_appended outbox_add(const char *directive_id)
{
	struct outbox_append in = outbox_request(directive_id);
	struct outbox_appended out = outbox_world_append(&in);

	outbox_kick(outbox_world.ob);
	return out;
}

void outbox_add_many(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct outbox_append in = outbox_request(arena_printf(&outbox_world.arena, "d%u", i));

		in.account.b[18] = (uint8_t)(i >> 8);
		in.account.b[19] = (uint8_t)i;
		(void)outbox_world_append(&in);
	}
	outbox_kick(outbox_world.ob);
}

struct directive_row outbox_submitted(const char *directive_id)
{
	outbox_add(directive_id);
	outbox_quiet();
	IS(directive_id, DELIVERY_SUBMITTED);
	return outbox_world_row(directive_id);
}

/* --- looking --- */

struct evm_address outbox_relayer(void)
{
	return outbox_world.ob->chains[0]->lanes[0]->address;
}

struct evm_address outbox_signer(void)
{
	return outbox_world.ob->spaces[0]->signer;
}

struct slot_row outbox_slot(uint64_t nonce)
{
	struct slot_row row;

	OK(slot_store_at(store_view(outbox_world.disk.store), outbox_lane_id(), nonce, &row, err));
	return row;
}

unsigned outbox_slot_count(void)
{
	unsigned n;

	OK(slot_store_count_open(store_view(outbox_world.disk.store), OUTBOX_CHAIN, &n, err));
	return n;
}

uint64_t outbox_metric(const char *name, const char *labels)
{
	return metric_value(metric_counter(name, labels, "looked at by a test"));
}

const char *outbox_gauge(const char *name, const char *labels)
{
	SCOPED(buf) struct buf text = BUF_CAP(1 << 20);
	const char *line = arena_printf(&outbox_world.arena, "\n%s{%s} ", name, labels), *at;

	metrics_write(&text);
	at = strstr(buf_text(&text), line);
	ck_assert_ptr_nonnull(at);
	at += strlen(line);
	return arena_strndup(&outbox_world.arena, at, strcspn(at, "\n"));
}

uint64_t outbox_tally(enum delivery_status s)
{
	uint64_t tally[DELIVERY_COUNT];

	OK(directive_store_tally(store_view(outbox_world.disk.store), outbox_space_id(), tally, err));
	return tally[s];
}
