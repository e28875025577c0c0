/* tests/support/evm_chain.h - an EVM chain in memory with one verifying contract on it: blocks, accounts, a pool, and what
 * the contract of tests/contracts/DirectiveVerifier.sol does.  Nodes (evm_node.h) show it to the world.
 *
 * It moves when the test says so: a transaction waits in the pool until evm_chain_mine().  What it is asked about a block
 * it answers as of that block.  Broken set-up fails the test. */
#ifndef TESTS_SUPPORT_EVM_CHAIN_H
#define TESTS_SUPPORT_EVM_CHAIN_H

#include "base/amount.h"
#include "base/ids.h"
#include "rails/evm/tx.h"
#include "rails/evm/verifier_log.h"

#define EVM_CHAIN_HEAD 1000 /* of a new chain */
#define EVM_CHAIN_GWEI UINT64_C(1000000000)

struct evm_chain;

struct evm_chain *evm_chain_new(uint64_t chain_id, const struct evm_address *contract);
void evm_chain_free(struct evm_chain *c);

/* --- what the test does to it --- */

/* Accounts have nothing until then; nothing is taken from them. */
void evm_chain_fund(struct evm_chain *c, const struct evm_address *who, struct wei balance);
/* One block with what the pool has and what can go in: in order of account nonces, without gaps, at the base fee. */
void evm_chain_mine(struct evm_chain *c);
/* Blocks without transactions; the pool stays. */
void evm_chain_grow(struct evm_chain *c, unsigned blocks);
/* The newest blocks give way to as many empty ones, and their transactions are in the pool again. */
void evm_chain_reorg(struct evm_chain *c, unsigned depth);
void evm_chain_forget_pool(struct evm_chain *c);
/* A block with n transactions of this account that are not ours. */
void evm_chain_foreign(struct evm_chain *c, const struct evm_address *who, unsigned n);
/* And n that wait in the pool, for ever. */
void evm_chain_foreign_pending(struct evm_chain *c, const struct evm_address *who, unsigned n);
/* A block in which a stranger executes what this pooled transaction of ours is about. */
void evm_chain_copied(struct evm_chain *c, const struct hash32 *tx);
/* The contract says that this nonce was spent in `block`, by the digest, or revoked when that is NULL.  Returns the
 * transaction of its log. */
struct hash32 evm_chain_spend(struct evm_chain *c, const struct evm_address *signer, uint64_t nonce,
			      const struct hash32 *digest, uint64_t block);
/* What the contract makes of directives with this nonce, or of all: VERIFIER_DONE is its own judgement again.  Those that
 * are no code of its own revert the whole call. */
#define EVM_CHAIN_ANY_NONCE UINT64_MAX
void evm_chain_outcome(struct evm_chain *c, uint64_t nonce, enum verifier_outcome o);
void evm_chain_set_gas(struct evm_chain *c, uint64_t per_directive); /* 30,000 at first */
void evm_chain_set_base_fee(struct evm_chain *c, uint64_t gwei);     /* 1 at first */
void evm_chain_set_finalized(struct evm_chain *c, uint64_t block);   /* 0 at first: there is none */
void evm_chain_set_code(struct evm_chain *c, bool there);
void evm_chain_set_domain(struct evm_chain *c, const struct hash32 *domain);

/* --- what it is asked --- */

uint64_t evm_chain_id(const struct evm_chain *c);
struct evm_address evm_chain_contract(const struct evm_chain *c);
uint64_t evm_chain_head(const struct evm_chain *c);
uint64_t evm_chain_finalized(const struct evm_chain *c);
uint64_t evm_chain_base_fee(const struct evm_chain *c); /* in wei */
struct hash32 evm_chain_block_hash(const struct evm_chain *c, uint64_t block);
bool evm_chain_has_code(const struct evm_chain *c);
struct wei evm_chain_balance(const struct evm_chain *c, const struct evm_address *who);
/* Its transactions up to this block; and with those that the pool could still add. */
uint64_t evm_chain_count(const struct evm_chain *c, const struct evm_address *who, uint64_t block);
uint64_t evm_chain_pending(const struct evm_chain *c, const struct evm_address *who);

enum evm_chain_took { EVM_CHAIN_TOOK, EVM_CHAIN_KNOWN, EVM_CHAIN_NONCE_LOW };
enum evm_chain_took evm_chain_send(struct evm_chain *c, struct bytes raw, struct hash32 *ret_hash);

/* A call of the contract as of this block.  0 with what it returns, 1 with the data of its revert; -1: no such function.
 * Bytes live in a. */
int evm_chain_call(struct evm_chain *c, struct arena *a, struct bytes data, uint64_t block, struct bytes *ret);
/* False: it reverts. */
bool evm_chain_estimate(struct evm_chain *c, struct bytes data, uint64_t *ret);

struct evm_chain_log {
	uint64_t block;
	struct hash32 tx;
	enum verifier_event event;
	struct evm_address signer, account;
	uint64_t nonce;
	struct hash32 id_hash, digest;
	enum verifier_outcome reason;
};
struct evm_chain_tx {
	struct hash32 hash;
	struct evm_address from;
	uint64_t nonce, block, gas_used;
	struct gas_price price;
	bool ok;
};
/* NULL: not mined. */
const struct evm_chain_tx *evm_chain_mined(const struct evm_chain *c, const struct hash32 *hash);
const struct evm_chain_log *evm_chain_logs(const struct evm_chain *c, size_t *n); /* all, by age */
/* Transactions in the pool: of this account, or of all when NULL. */
unsigned evm_chain_pooled(const struct evm_chain *c, const struct evm_address *who);
/* The pooled one that has this account nonce.  There is one. */
struct hash32 evm_chain_pooled_at(const struct evm_chain *c, const struct evm_address *who, uint64_t nonce);
/* How often the contract executed directives of this nonce. */
unsigned evm_chain_effects(const struct evm_chain *c, uint64_t nonce);

#endif
