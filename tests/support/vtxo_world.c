#include "tests/support/vtxo_world.h"

#include <string.h>

#include "base/text.h"
#include "chain/ark_keys.h"
#include "rails/bitcoin/bip32.h"

/* m/350'/0' of some seed, whose keys the test has too. */
static struct bip32_key account;
struct vtxo_world vw;
static struct err failure, *err = &failure;

static int keep_account(struct unit *u, void *ctx, struct err *e)
{
	struct bip32_pub pub;
	char xpub[BIP32_TEXT_MAX];

	(void)ctx;
	(void)e;
	bip32_neuter(&account, &pub);
	bip32_xpub(&pub, xpub);
	OK(ark_account_add(u, xpub, err));
	OK(ark_keys_fill(u, 0, err));
	return 0;
}

void vtxo_world_setup(enum chain_kind kind)
{
	static const uint32_t path[] = { BIP32_HARDENED | 350, BIP32_HARDENED };
	struct bip32_key master;

	follower_world_setup(kind);
	follower_world_account(0);
	OK(bip32_master(bytes_of("sixteen bytes and some more"), &master, err));
	OK(bip32_derive(&master, path, ARRAY_LEN(path), &account, err));
	vw.maker = (struct ark_maker){ .arena = &fw.arena, .expiry_height = 500, .exit_delta = 12 };
	memset(vw.maker.server.b, 0xa1, sizeof(vw.maker.server.b));
	follower_world_unit(keep_account, NULL);
}

struct secret vtxo_world_key(uint32_t index)
{
	struct bip32_key k;

	OK(bip32_child(&account, index, &k, err));
	return k.key;
}

struct sat vtxo_world_sat(uint64_t v)
{
	struct sat ret;

	ck_assert(sat_from_u64(v, &ret));
	return ret;
}

/* A board of this key, whose funding the mempool has. */
struct vtxo vtxo_world_board(struct secret user, uint64_t amount)
{
	struct ark_board_plan plan = { .user = user, .amount = vtxo_world_sat(amount), .fee = vtxo_world_sat(0) };
	struct tx_out out;
	struct tx tx;
	struct outpoint at = { .vout = 0 };
	struct vtxo v;

	OK(ark_make_board_funding(&vw.maker, &plan, &out, err));
	tx = follower_world_tx(NULL, 0, &(struct pays){ out.script, amount }, 1);
	at.txid = model_node_offer(fw.node, &tx);
	OK(ark_make_board(&vw.maker, &plan, &at, &v, err));
	return v;
}

struct vtxo vtxo_world_mined(uint32_t index, uint64_t amount)
{
	struct vtxo v = vtxo_world_board(vtxo_world_key(index), amount);

	follower_world_mine();
	return v;
}

const char *vtxo_world_hex(const struct vtxo *v)
{
	return hex_text(&fw.arena, vtxo_encode(&fw.arena, v));
}

/* --- one import, to its end --- */

static bool done;

static void set_done(void *ctx)
{
	(void)ctx;
	done = true;
}

static int store(struct unit *u, void *ctx, struct err *e)
{
	return vtxo_import_store(u, ctx, "from bark", 1000, e);
}

struct vtxo_import *vtxo_world_import(const char *text, uint32_t search)
{
	struct vtxo_import *im;

	OK(vtxo_import_read(store_view(fw.scratch.store), NETWORK_REGTEST, text, search, &im, err));
	done = false;
	if (vtxo_import_look(im, fw.source, set_done, NULL))
		while (!done)
			follower_world_run_for(1);
	follower_world_unit(store, im);
	return im;
}

int64_t vtxo_world_take(const struct vtxo *v)
{
	struct vtxo_import *im = vtxo_world_import(vtxo_world_hex(v), 0);
	int64_t row = im->items[0].row;

	ck_assert_msg(im->items[0].verdict.err.code == ERR_NONE, "%s", im->items[0].verdict.err.msg);
	vtxo_import_free(im);
	return row;
}
