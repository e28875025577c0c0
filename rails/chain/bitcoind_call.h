/* rails/chain/bitcoind_call.h - the questions that are put to bitcoind, added to a batch of JSON-RPC calls.  Implements the
 * request side of spec/exit.md 6.2, without its wallet; bitcoind_reply.h has the answers.
 *
 * Each returns the number of its call in the batch (see base/jsonrpc_msg.h: a batch that is full fails when it is encoded).
 * What is passed in is copied into the batch's arena. */
#ifndef RAILS_CHAIN_BITCOIND_CALL_H
#define RAILS_CHAIN_BITCOIND_CALL_H

#include "base/http_msg.h"
#include "base/ids.h"
#include "base/jsonrpc_msg.h"

/* --- the node --- */
size_t bitcoind_ask_network_info(struct jsonrpc_batch *b);
size_t bitcoind_ask_chain_info(struct jsonrpc_batch *b);
size_t bitcoind_ask_index_info(struct jsonrpc_batch *b);
size_t bitcoind_ask_mempool_info(struct jsonrpc_batch *b);

/* --- blocks --- */
size_t bitcoind_ask_block_count(struct jsonrpc_batch *b);
size_t bitcoind_ask_block_hash(struct jsonrpc_batch *b, uint32_t height);
size_t bitcoind_ask_header(struct jsonrpc_batch *b, const struct block_hash *hash);
/* Its bytes as hex: alone in its batch, because its reply is read by bitcoind_block_bytes(). */
size_t bitcoind_ask_block(struct jsonrpc_batch *b, const struct block_hash *hash);
size_t bitcoind_ask_filter(struct jsonrpc_batch *b, const struct block_hash *hash); /* BIP158, basic */
/* Answers when there is a new tip, or after so many ms; holds one of the node's few RPC threads meanwhile. */
size_t bitcoind_ask_new_block(struct jsonrpc_batch *b, int64_t ms);

/* --- transactions and outputs --- */
/* in: the block that has it, which a node without txindex needs for mined ones; or NULL. */
size_t bitcoind_ask_tx(struct jsonrpc_batch *b, const struct txid *txid, const struct block_hash *in);
size_t bitcoind_ask_raw_tx(struct jsonrpc_batch *b, const struct txid *txid, const struct block_hash *in);
/* mempool: whether outputs that the mempool makes are there, and those that it spends are not. */
size_t bitcoind_ask_coin(struct jsonrpc_batch *b, const struct outpoint *at, bool mempool);
size_t bitcoind_ask_mempool_spends(struct jsonrpc_batch *b, const struct outpoint *at, size_t n);
size_t bitcoind_ask_mempool_entry(struct jsonrpc_batch *b, const struct txid *txid);
size_t bitcoind_ask_mempool_txids(struct jsonrpc_batch *b);

/* --- fees and sending --- */
size_t bitcoind_ask_fee(struct jsonrpc_batch *b, uint16_t target);
size_t bitcoind_ask_send(struct jsonrpc_batch *b, struct bytes raw);
/* Parents first, the child last. */
#define BITCOIND_PACKAGE_MAX 25
size_t bitcoind_ask_package(struct jsonrpc_batch *b, const struct bytes *raw, size_t n);
size_t bitcoind_ask_test(struct jsonrpc_batch *b, const struct bytes *raw, size_t n);

/* --- scans --- */
struct bitcoind_descriptor {
	const char *text; /* as tr() of an extended key with a wildcard, or raw() */
	uint32_t last;    /* the last index of a ranged one; 0 for one without a range */
};
/* All unspent outputs of these, at the tip: minutes on mainnet, and one scan at a time. */
size_t bitcoind_ask_scan_coins(struct jsonrpc_batch *b, const struct bitcoind_descriptor *d, size_t n);
/* Which blocks, both ends included, concern these; needs the node's block filter index. */
size_t bitcoind_ask_scan_blocks(struct jsonrpc_batch *b, const struct bitcoind_descriptor *d, size_t n, uint32_t from,
				uint32_t to);

/* --- the exchange --- */

#define BITCOIND_TIMEOUT_MS      60000
#define BITCOIND_SCAN_TIMEOUT_MS 600000
#define BITCOIND_REPLY_MAX       ((size_t)16 * 1024 * 1024) /* a large transaction, told in full */
/* A block is at most 4,000,000 bytes; there is a little more around it. */
#define BITCOIND_BLOCK_MAX       4000000u
#define BITCOIND_BLOCK_REPLY_MAX ((size_t)2 * BITCOIND_BLOCK_MAX + 1024)

/* The value of an Authorization header: login is "user:password", as a cookie file has it too. */
const char *bitcoind_authorization(struct arena *a, const char *login);
/* One POST of the whole batch.  authorization may be NULL; it and url are borrowed.  Time and reply are limited by what the
 * batch asks for.  ERR_RANGE: no call, too many, or no room in the batch's arena. */
MUST_CHECK int bitcoind_request(const struct jsonrpc_batch *b, const char *url, const char *authorization,
				struct net_request *ret, struct err *err);

#endif
