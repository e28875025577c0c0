/* tests/support/follower_world.h - a wallet's store, a follower and a model of a node, in one loop; as bitcoind shows a
 * chain, or as an Esplora server does. */
#ifndef TESTS_SUPPORT_FOLLOWER_WORLD_H
#define TESTS_SUPPORT_FOLLOWER_WORLD_H

#include "chain/follower.h"
#include "store/movement_store.h"
#include "store/script_store.h"
#include "store/tx_store.h"
#include "store/utxo_store.h"
#include "tests/support/model_node.h"
#include "tests/support/scratch.h"

/* BIP86's first account: "abandon … about". */
#define FOLLOWER_XPUB                                                                                                  \
	"xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ"

struct follower_world {
	struct scratch scratch;
	struct loop *loop;
	struct http *http;
	struct model_node *node;
	struct chain_source *source;
	struct follower *follower;
	struct arena arena; /* of the test */
	struct follower_options opt;
	unsigned changes; /* of the follower's hook */
};
extern struct follower_world fw;

/* A node of ten blocks and an empty store.  Grace is a ms. */
void follower_world_setup(enum chain_kind kind);
void follower_world_teardown(void);
/* An account whose birthday is the block of this height; 0: not known. */
void follower_world_account(uint32_t birthday);
/* Ends the follower and its source, and makes new ones: as a daemon that starts again, also with the other kind. */
void follower_world_restart(enum chain_kind kind);
/* One round to its end, which is its error's code. */
enum err_code follower_world_round(void);
void follower_world_follow(void);       /* rounds until one finds nothing new; each must succeed */
void follower_world_follow_twice(void); /* what is missing is looked for once more, after the grace */
void follower_world_mine(void);         /* a block of the whole mempool */
void follower_world_run_for(int64_t ms);
void follower_world_node_back(void); /* one that was down, or mute, answers, and the breaker lets it be asked */
void follower_world_unit(int (*fn)(struct unit *u, void *ctx, struct err *err), void *ctx);

/* The output script of an index; lives in fw.arena. */
struct bytes follower_world_script(enum script_chain chain, uint32_t index);
/* The same, and all up to it are given to somebody, if there is a wallet. */
struct bytes follower_world_give(enum script_chain chain, uint32_t index);
/* A transaction of one or two inputs and outputs; value 0: none. */
struct pays {
	struct bytes script;
	uint64_t sat;
};
/* Of n_in outputs (n_in 0: one that nobody else spends) to n_out. */
struct tx follower_world_tx(const struct outpoint *in, size_t n_in, const struct pays *out, size_t n_out);
/* A stranger pays us, in the mempool. */
struct txid follower_world_pay(enum script_chain chain, uint32_t index, uint64_t sat);
/* The same, to an index that was given to him. */
struct txid follower_world_receive(enum script_chain chain, uint32_t index, uint64_t sat);

/* What the ledger says. */
int64_t follower_world_total(enum account acc);
/* The tables agree with the node: coin by coin, and with themselves. */
void follower_world_agree(const char *after);

#endif
