#include "tests/support/evm_chain.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/secp.h"
#include "rails/evm/abi.h"
#include "rails/evm/address.h"

#define ACCOUNTS_MAX 16
#define REORGS_MAX   64
#define POOL_MAX     64
#define BATCH_MAX    256
#define GAS_CALL     UINT64_C(21000)
#define GAS_EACH     UINT64_C(30000)

struct account {
	struct evm_address who;
	struct wei balance;
	uint64_t foreign_pending;
};

struct pooled {
	struct hash32 hash;
	struct evm_address from;
	struct evm_tx tx; /* its data is in raw */
	uint8_t *raw;
	size_t n;
};

/* What is mined, ours or not; the bytes are kept for a reorganisation. */
struct mined {
	struct evm_chain_tx tx;
	struct pooled was; /* raw NULL: nobody here has sent it */
};

struct refusal {
	uint64_t nonce;
	enum verifier_outcome o;
};

struct evm_chain {
	uint64_t chain_id, head, finalized, base_fee, gas_each;
	struct evm_address contract;
	struct hash32 domain, shown_domain;
	bool has_code;
	uint64_t reorgs[REORGS_MAX]; /* the lowest block of each */
	size_t n_reorgs;
	struct account accounts[ACCOUNTS_MAX];
	size_t n_accounts;
	struct pooled pool[POOL_MAX];
	size_t n_pool;
	struct mined *mined;
	size_t n_mined;
	struct evm_chain_log *logs;
	size_t n_logs;
	struct refusal *refusals;
	size_t n_refusals;
	unsigned strange; /* transactions of strangers so far: they need names */
};

/* One more at the end of a list. */
static void *grown(void *list, size_t n, size_t size)
{
	void *p = reallocarray(list, n + 1, size);

	if (!p)
		abort();
	memset((char *)p + n * size, 0, size);
	return p;
}

struct evm_chain *evm_chain_new(uint64_t chain_id, const struct evm_address *contract)
{
	struct evm_chain *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	c->chain_id = chain_id;
	c->contract = *contract;
	c->head = EVM_CHAIN_HEAD;
	c->base_fee = EVM_CHAIN_GWEI;
	c->gas_each = GAS_EACH;
	c->has_code = true;
	directive_domain(chain_id, contract, &c->domain);
	c->shown_domain = c->domain;
	return c;
}

void evm_chain_free(struct evm_chain *c)
{
	for (size_t i = 0; i < c->n_pool; i++)
		free(c->pool[i].raw);
	for (size_t i = 0; i < c->n_mined; i++)
		free(c->mined[i].was.raw);
	free(c->mined);
	free(c->logs);
	free(c->refusals);
	free(c);
}

/* --- accounts --- */

static struct account *account(struct evm_chain *c, const struct evm_address *who)
{
	for (size_t i = 0; i < c->n_accounts; i++)
		if (evm_address_equal(&c->accounts[i].who, who))
			return &c->accounts[i];
	ck_assert_uint_lt(c->n_accounts, ACCOUNTS_MAX);
	c->accounts[c->n_accounts].who = *who;
	return &c->accounts[c->n_accounts++];
}

void evm_chain_fund(struct evm_chain *c, const struct evm_address *who, struct wei balance)
{
	account(c, who)->balance = balance;
}

struct wei evm_chain_balance(const struct evm_chain *c, const struct evm_address *who)
{
	for (size_t i = 0; i < c->n_accounts; i++)
		if (evm_address_equal(&c->accounts[i].who, who))
			return c->accounts[i].balance;
	return wei_from_u64(0);
}

static const struct pooled *pool_find(const struct evm_chain *c, const struct evm_address *who, uint64_t nonce)
{
	for (size_t i = 0; i < c->n_pool; i++)
		if (c->pool[i].tx.nonce == nonce && evm_address_equal(&c->pool[i].from, who))
			return &c->pool[i];
	return NULL;
}

uint64_t evm_chain_count(const struct evm_chain *c, const struct evm_address *who, uint64_t block)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_mined; i++)
		n += c->mined[i].tx.block <= block && evm_address_equal(&c->mined[i].tx.from, who);
	return n;
}

uint64_t evm_chain_pending(const struct evm_chain *c, const struct evm_address *who)
{
	uint64_t n = evm_chain_count(c, who, c->head);

	while (pool_find(c, who, n))
		n++;
	for (size_t i = 0; i < c->n_accounts; i++)
		if (evm_address_equal(&c->accounts[i].who, who))
			n += c->accounts[i].foreign_pending;
	return n;
}

/* --- the contract --- */

static void log_add(struct evm_chain *c, const struct evm_chain_log *log)
{
	c->logs = grown(c->logs, c->n_logs, sizeof(*c->logs));
	c->logs[c->n_logs++] = *log;
}

static bool is_spent(const struct evm_chain *c, const struct evm_address *signer, uint64_t nonce, uint64_t block)
{
	for (size_t i = 0; i < c->n_logs; i++)
		if (c->logs[i].event != VERIFIER_SKIPPED && c->logs[i].nonce == nonce && c->logs[i].block <= block &&
		    evm_address_equal(&c->logs[i].signer, signer))
			return true;
	return false;
}

static enum verifier_outcome told(const struct evm_chain *c, uint64_t nonce)
{
	for (size_t i = 0; i < c->n_refusals; i++)
		if (c->refusals[i].nonce == nonce || c->refusals[i].nonce == EVM_CHAIN_ANY_NONCE)
			return c->refusals[i].o;
	return VERIFIER_DONE;
}

static bool signer_of(const struct hash32 *digest, struct bytes sig, struct evm_address *ret)
{
	uint8_t rs[64], xy[64];
	struct err err;
	int recid;

	if (directive_signature_split(sig, rs, &recid, &err) != 0 || !secp_ecdsa_recover(digest, rs, recid, xy))
		return false;
	evm_address_of_key(xy, ret);
	return true;
}

struct call_item {
	struct directive d;
	char key[DIRECTIVE_KEY_MAX + 1];
	struct bytes sig;
};

/* What _execute() of the contract says, and its log. */
static enum verifier_outcome execute(const struct evm_chain *c, const struct call_item *it, uint64_t block,
				     struct evm_chain_log *log)
{
	enum verifier_outcome o = told(c, it->d.nonce);

	*log = (struct evm_chain_log){ .block = block, .nonce = it->d.nonce, .id_hash = it->d.id_hash };
	directive_digest(&c->domain, &it->d, &log->digest);
	log->account = it->d.account;
	log->event = VERIFIER_EXECUTED;
	if (!signer_of(&log->digest, it->sig, &log->signer))
		o = VERIFIER_BAD_SIGNATURE;
	else if (o == VERIFIER_DONE && is_spent(c, &log->signer, it->d.nonce, block))
		o = VERIFIER_NONCE_USED;
	if (o != VERIFIER_DONE) {
		log->event = VERIFIER_SKIPPED;
		log->reason = o;
	}
	return o;
}

static void read_directive(struct reader *r, struct call_item *it)
{
	struct bytes key;

	it->d.id_hash = abi_read_word(r);
	it->d.account = abi_read_address(r);
	(void)abi_read_word(r);
	it->d.nonce = abi_read_uint(r, 64);
	(void)abi_read_word(r);
	key = abi_read_bytes(r);
	it->d.payload = abi_read_bytes(r);
	ck_assert_uint_le(key.n, DIRECTIVE_KEY_MAX);
	memcpy(it->key, key.p, key.n);
	it->d.action_key = it->key;
}

static size_t read_batch(struct reader *r, struct call_item *items)
{
	size_t n;

	(void)abi_read_word(r);
	(void)abi_read_word(r);
	n = (size_t)abi_read_uint(r, 16);
	ck_assert_uint_le(n, BATCH_MAX);
	for (size_t i = 0; i < n; i++)
		(void)abi_read_word(r);
	for (size_t i = 0; i < n; i++)
		read_directive(r, &items[i]);
	ck_assert_uint_eq(abi_read_uint(r, 64), n);
	for (size_t i = 0; i < n; i++)
		(void)abi_read_word(r);
	for (size_t i = 0; i < n; i++)
		items[i].sig = abi_read_bytes(r);
	return n;
}

#define EXECUTE          UINT32_C(0x6fb43dd2)
#define IS_NONCE_USED    UINT32_C(0x3a8a8beb)
#define NONCE_BITMAP     UINT32_C(0x4fe02b44)
#define EXECUTE_BATCH    UINT32_C(0x9ee014ed)
#define NONCES_USED      UINT32_C(0x8133f797)
#define REVOKE_NONCES    UINT32_C(0xbd9661c1)
#define DOMAIN_SEPARATOR UINT32_C(0xf698da25)

/* A decoded call that changes something. */
struct call {
	bool batch, revoke;
	struct call_item *items;
	struct evm_address signer; /* of the nonces to revoke */
	size_t n;
};

/* False: it is not one that changes anything. */
static bool read_call(struct arena *a, struct bytes data, struct call *ret)
{
	struct reader r = reader_of(data);
	uint32_t selector = read_be32(&r);

	*ret = (struct call){ .batch = selector == EXECUTE_BATCH, .revoke = selector == REVOKE_NONCES };
	ret->items = ARENA_ARRAY(a, BATCH_MAX, struct call_item);
	if (selector == EXECUTE) {
		(void)abi_read_word(&r);
		(void)abi_read_word(&r);
		read_directive(&r, &ret->items[0]);
		ret->items[0].sig = abi_read_bytes(&r);
		ret->n = 1;
	} else if (ret->batch) {
		ret->n = read_batch(&r, ret->items);
	} else if (ret->revoke) {
		ret->signer = abi_read_address(&r);
		(void)abi_read_word(&r);
		ret->n = (size_t)abi_read_uint(&r, 8);
		for (size_t i = 0; i < ret->n; i++)
			ret->items[i].d.nonce = abi_read_uint(&r, 64);
	} else {
		return false;
	}
	ck_assert(reader_at_end(&r));
	return true;
}

/* As Solidity encodes `revert Name(...)`. */
static struct bytes revert_data(struct arena *a, const struct call_item *it, const struct evm_chain_log *log)
{
	struct buf out = BUF_CAP(512);
	struct bytes ret;

	switch (log->reason) {
	case VERIFIER_NONCE_USED:
		buf_be32(&out, 0xa5a429c3);
		abi_address(&out, &log->signer);
		abi_u64(&out, it->d.nonce);
		break;
	case VERIFIER_BAD_SIGNATURE:
		buf_be32(&out, 0x5cd5d233);
		break;
	case VERIFIER_UNKNOWN_SIGNER:
		buf_be32(&out, 0xd7e8a2c2);
		abi_address(&out, &log->signer);
		break;
	case VERIFIER_UNSUPPORTED_ACTION:
		buf_be32(&out, 0x8709de2c);
		abi_u64(&out, 32);
		abi_bytes(&out, bytes_of(it->key));
		break;
	case VERIFIER_EFFECT_FAILED:
		buf_be32(&out, 0x0ec7217a);
		abi_word(&out, &it->d.id_hash);
		break;
	case VERIFIER_ERROR_TEXT:
		buf_be32(&out, 0x08c379a0);
		abi_u64(&out, 32);
		abi_bytes(&out, bytes_of("vault is closed"));
		break;
	case VERIFIER_PANIC:
		buf_be32(&out, 0x4e487b71);
		abi_u64(&out, 0x11);
		break;
	case VERIFIER_DONE:
	case VERIFIER_OTHER:
		buf_be32(&out, 0x12345678);
		break;
	}
	ck_assert(buf_ok(&out));
	ret = arena_bytes(a, buf_bytes(&out));
	buf_done(&out);
	return ret;
}

/* 0: it goes through, with one log per item; 1: it reverts as a whole. */
static int run_call(const struct evm_chain *c, struct arena *a, const struct call *call, uint64_t block,
		    struct evm_chain_log *logs, struct bytes *ret_revert)
{
	for (size_t i = 0; i < call->n; i++) {
		if (call->revoke) {
			logs[i] = (struct evm_chain_log){ .block = block,
							  .event = VERIFIER_REVOKED,
							  .signer = call->signer,
							  .nonce = call->items[i].d.nonce };
			continue;
		}
		execute(c, &call->items[i], block, &logs[i]);
		if (logs[i].event == VERIFIER_SKIPPED && (!call->batch || logs[i].reason > VERIFIER_EFFECT_FAILED)) {
			*ret_revert = revert_data(a, &call->items[i], &logs[i]);
			return 1;
		}
	}
	return 0;
}

/* uint8[] of executeBatch, or nothing. */
static struct bytes returned(struct arena *a, const struct call *call, const struct evm_chain_log *logs)
{
	struct buf out = BUF_CAP(64 * 1024);
	struct bytes ret;

	if (call->batch) {
		abi_u64(&out, 32);
		abi_u64(&out, call->n);
		for (size_t i = 0; i < call->n; i++)
			abi_u64(&out, (uint64_t)logs[i].reason);
	}
	ck_assert(buf_ok(&out));
	ret = arena_bytes(a, buf_bytes(&out));
	buf_done(&out);
	return ret;
}

static struct bytes nonces_used(const struct evm_chain *c, struct arena *a, struct reader *r, uint64_t block)
{
	struct buf out = BUF_CAP(64 * 1024);
	struct evm_address signer = abi_read_address(r);
	struct bytes ret;
	uint64_t n;

	(void)abi_read_word(r);
	n = abi_read_uint(r, 16);
	abi_u64(&out, 32);
	abi_u64(&out, n);
	for (uint64_t i = 0; i < n; i++)
		abi_u64(&out, is_spent(c, &signer, abi_read_uint(r, 64), block));
	ck_assert(buf_ok(&out) && reader_at_end(r));
	ret = arena_bytes(a, buf_bytes(&out));
	buf_done(&out);
	return ret;
}

/* The functions that answer with one word. */
static bool word_call(const struct evm_chain *c, uint32_t selector, struct reader *r, uint64_t block,
		      struct hash32 *ret)
{
	struct evm_address signer;
	uint64_t n;

	if (selector == DOMAIN_SEPARATOR) {
		*ret = c->shown_domain;
		return true;
	}
	if (selector != IS_NONCE_USED && selector != NONCE_BITMAP)
		return false;
	signer = abi_read_address(r);
	n = abi_read_uint(r, 64);
	*ret = abi_word_u64(selector == IS_NONCE_USED && is_spent(c, &signer, n, block));
	for (unsigned bit = 0; selector == NONCE_BITMAP && bit < 256; bit++)
		if (is_spent(c, &signer, n * 256 + bit, block))
			ret->b[31 - bit / 8] |= (uint8_t)(1u << bit % 8);
	return true;
}

int evm_chain_call(struct evm_chain *c, struct arena *a, struct bytes data, uint64_t block, struct bytes *ret)
{
	struct evm_chain_log *logs = ARENA_ARRAY(a, BATCH_MAX, struct evm_chain_log);
	struct reader r = reader_of(data);
	uint32_t selector = read_be32(&r);
	struct hash32 word;
	struct call call;

	if (word_call(c, selector, &r, block, &word)) {
		*ret = arena_bytes(a, (struct bytes){ word.b, sizeof(word.b) });
	} else if (selector == NONCES_USED) {
		*ret = nonces_used(c, a, &r, block);
	} else if (!read_call(a, data, &call)) {
		return -1;
	} else if (run_call(c, a, &call, block, logs, ret) == 0) {
		*ret = returned(a, &call, logs);
	} else {
		return 1;
	}
	return 0;
}

static uint64_t gas_of(const struct evm_chain *c, const struct call *call)
{
	return GAS_CALL + c->gas_each * call->n;
}

bool evm_chain_estimate(struct evm_chain *c, struct bytes data, uint64_t *ret)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(8u << 20);
	struct evm_chain_log *logs = ARENA_ARRAY(&a, BATCH_MAX, struct evm_chain_log);
	struct bytes revert;
	struct call call;

	if (!read_call(&a, data, &call) || run_call(c, &a, &call, c->head, logs, &revert) != 0)
		return false;
	*ret = gas_of(c, &call);
	return true;
}

void evm_chain_outcome(struct evm_chain *c, uint64_t nonce, enum verifier_outcome o)
{
	size_t i = 0;

	while (i < c->n_refusals && c->refusals[i].nonce != nonce)
		i++;
	if (i == c->n_refusals) {
		c->refusals = grown(c->refusals, c->n_refusals, sizeof(*c->refusals));
		c->n_refusals++;
	}
	c->refusals[i] = (struct refusal){ nonce, o };
	if (o == VERIFIER_DONE)
		c->refusals[i] = c->refusals[--c->n_refusals];
}

/* --- blocks --- */

static struct hash32 stranger(struct evm_chain *c)
{
	struct hash32 hash = { { 0x57, (uint8_t)(++c->strange >> 8), (uint8_t)c->strange } };

	return hash;
}

static void mined_add(struct evm_chain *c, const struct evm_chain_tx *tx, const struct pooled *was)
{
	c->mined = grown(c->mined, c->n_mined, sizeof(*c->mined));
	c->mined[c->n_mined].tx = *tx;
	if (was)
		c->mined[c->n_mined].was = *was;
	c->n_mined++;
}

static void logs_keep(struct evm_chain *c, const struct evm_chain_log *logs, size_t n, const struct hash32 *tx)
{
	for (size_t i = 0; i < n; i++) {
		struct evm_chain_log log = logs[i];

		log.tx = *tx;
		log_add(c, &log);
	}
}

static struct gas_price paid(const struct evm_chain *c, const struct evm_tx *tx)
{
	struct gas_price base, price;

	ck_assert(gas_price_from_u64(c->base_fee, &base));
	ck_assert(gas_price_add(base, tx->fees.max_priority_fee, &price));
	return gas_price_min(price, tx->fees.max_fee);
}

static void run_tx(struct evm_chain *c, const struct pooled *p)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(8u << 20);
	struct evm_chain_log *logs = ARENA_ARRAY(&a, BATCH_MAX, struct evm_chain_log);
	struct evm_chain_tx tx = { .hash = p->hash,
				   .from = p->from,
				   .nonce = p->tx.nonce,
				   .block = c->head,
				   .gas_used = GAS_CALL,
				   .price = paid(c, &p->tx),
				   .ok = true };
	struct bytes revert;
	struct call call;

	if (evm_address_equal(&p->tx.to, &c->contract)) {
		ck_assert(read_call(&a, p->tx.data, &call));
		tx.gas_used = gas_of(c, &call);
		tx.ok = tx.gas_used <= p->tx.gas_limit && run_call(c, &a, &call, c->head, logs, &revert) == 0;
		if (tx.gas_used > p->tx.gas_limit)
			tx.gas_used = p->tx.gas_limit;
		if (tx.ok)
			logs_keep(c, logs, call.n, &p->hash);
	}
	mined_add(c, &tx, p);
}

static void pool_remove(struct evm_chain *c, size_t i)
{
	c->n_pool--;
	for (; i < c->n_pool; i++)
		c->pool[i] = c->pool[i + 1];
}

/* The next one that can go in, or -1. */
static int mineable(const struct evm_chain *c)
{
	for (size_t i = 0; i < c->n_pool; i++)
		if (c->pool[i].tx.nonce == evm_chain_count(c, &c->pool[i].from, c->head) &&
		    gas_price_value(c->pool[i].tx.fees.max_fee) >= c->base_fee)
			return (int)i;
	return -1;
}

void evm_chain_mine(struct evm_chain *c)
{
	int i;

	c->head++;
	while ((i = mineable(c)) >= 0) {
		struct pooled p = c->pool[i];

		pool_remove(c, (size_t)i);
		run_tx(c, &p);
	}
	/* A nonce that is used cannot be used again. */
	for (size_t k = c->n_pool; k-- > 0;)
		if (c->pool[k].tx.nonce < evm_chain_count(c, &c->pool[k].from, c->head)) {
			free(c->pool[k].raw);
			pool_remove(c, k);
		}
}

void evm_chain_grow(struct evm_chain *c, unsigned blocks)
{
	c->head += blocks;
}

static void pool_put(struct evm_chain *c, const struct pooled *p)
{
	ck_assert_uint_lt(c->n_pool, POOL_MAX);
	c->pool[c->n_pool++] = *p;
}

void evm_chain_reorg(struct evm_chain *c, unsigned depth)
{
	uint64_t from = c->head - depth + 1;
	size_t n = 0;

	ck_assert_uint_lt(c->n_reorgs, REORGS_MAX);
	c->reorgs[c->n_reorgs++] = from;
	for (size_t i = 0; i < c->n_mined; i++) {
		if (c->mined[i].tx.block < from)
			c->mined[n++] = c->mined[i];
		else if (c->mined[i].was.raw)
			pool_put(c, &c->mined[i].was);
	}
	c->n_mined = n;
	n = 0;
	for (size_t i = 0; i < c->n_logs; i++)
		if (c->logs[i].block < from)
			c->logs[n++] = c->logs[i];
	c->n_logs = n;
}

void evm_chain_forget_pool(struct evm_chain *c)
{
	for (size_t i = 0; i < c->n_pool; i++)
		free(c->pool[i].raw);
	c->n_pool = 0;
}

void evm_chain_foreign(struct evm_chain *c, const struct evm_address *who, unsigned n)
{
	c->head++;
	for (unsigned i = 0; i < n; i++) {
		struct evm_chain_tx tx = { .from = *who, .block = c->head, .gas_used = GAS_CALL, .ok = true };

		tx.nonce = evm_chain_count(c, who, c->head);
		tx.hash = stranger(c);
		mined_add(c, &tx, NULL);
	}
}

void evm_chain_foreign_pending(struct evm_chain *c, const struct evm_address *who, unsigned n)
{
	account(c, who)->foreign_pending = n;
}

static const struct pooled *pool_named(const struct evm_chain *c, const struct hash32 *hash)
{
	for (size_t i = 0; i < c->n_pool; i++)
		if (hash32_equal(&c->pool[i].hash, hash))
			return &c->pool[i];
	return NULL;
}

void evm_chain_copied(struct evm_chain *c, const struct hash32 *hash)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(8u << 20);
	struct evm_chain_log *logs = ARENA_ARRAY(&a, BATCH_MAX, struct evm_chain_log);
	struct evm_chain_tx tx = { .from = { { 0x57 } }, .ok = true };
	const struct pooled *p = pool_named(c, hash);
	struct bytes revert;
	struct call call;

	ck_assert_ptr_nonnull(p);
	c->head++;
	ck_assert(read_call(&a, p->tx.data, &call));
	ck_assert_int_eq(run_call(c, &a, &call, c->head, logs, &revert), 0);
	tx.hash = stranger(c);
	tx.block = c->head;
	tx.gas_used = gas_of(c, &call);
	logs_keep(c, logs, call.n, &tx.hash);
	mined_add(c, &tx, NULL);
}

struct hash32 evm_chain_spend(struct evm_chain *c, const struct evm_address *signer, uint64_t nonce,
			      const struct hash32 *digest, uint64_t block)
{
	struct evm_chain_log log = { .block = block, .signer = *signer, .nonce = nonce, .event = VERIFIER_REVOKED };

	struct evm_chain_tx tx = { .from = { { 0x57 } }, .block = block, .gas_used = GAS_CALL, .ok = true };

	memset(log.account.b, 0x11, sizeof(log.account.b));
	log.tx = tx.hash = stranger(c);
	mined_add(c, &tx, NULL);
	if (digest) {
		log.event = VERIFIER_EXECUTED;
		log.digest = *digest;
	}
	log_add(c, &log);
	return log.tx;
}

void evm_chain_set_gas(struct evm_chain *c, uint64_t per_directive)
{
	c->gas_each = per_directive;
}
void evm_chain_set_base_fee(struct evm_chain *c, uint64_t gwei)
{
	c->base_fee = gwei * EVM_CHAIN_GWEI;
}
void evm_chain_set_finalized(struct evm_chain *c, uint64_t block)
{
	c->finalized = block;
}
void evm_chain_set_code(struct evm_chain *c, bool there)
{
	c->has_code = there;
}
void evm_chain_set_domain(struct evm_chain *c, const struct hash32 *domain)
{
	c->shown_domain = *domain;
}

/* --- what it is asked --- */

uint64_t evm_chain_id(const struct evm_chain *c)
{
	return c->chain_id;
}
struct evm_address evm_chain_contract(const struct evm_chain *c)
{
	return c->contract;
}
uint64_t evm_chain_head(const struct evm_chain *c)
{
	return c->head;
}
uint64_t evm_chain_finalized(const struct evm_chain *c)
{
	return c->finalized;
}
uint64_t evm_chain_base_fee(const struct evm_chain *c)
{
	return c->base_fee;
}
bool evm_chain_has_code(const struct evm_chain *c)
{
	return c->has_code;
}

struct hash32 evm_chain_block_hash(const struct evm_chain *c, uint64_t block)
{
	struct hash32 hash = abi_word_u64(block);

	hash.b[0] = 0xb1;
	for (size_t i = 0; i < c->n_reorgs; i++)
		hash.b[1] = (uint8_t)(hash.b[1] + (c->reorgs[i] <= block));
	return hash;
}

static bool sender_of(const struct evm_tx *tx, const struct evm_tx_signature *sig, struct evm_address *ret)
{
	struct hash32 digest;
	uint8_t xy[64];
	struct err err;

	if (evm_tx_digest(tx, &digest, &err) != 0 || !secp_ecdsa_recover(&digest, sig->rs, sig->y_parity, xy))
		return false;
	evm_address_of_key(xy, ret);
	return true;
}

enum evm_chain_took evm_chain_send(struct evm_chain *c, struct bytes raw, struct hash32 *ret_hash)
{
	struct pooled p = { .n = raw.n, .raw = malloc(raw.n) };
	const struct pooled *old;
	struct evm_tx_signature sig;
	struct err err;

	if (!p.raw)
		abort();
	memcpy(p.raw, raw.p, raw.n);
	ck_assert_msg(evm_tx_decode((struct bytes){ p.raw, p.n }, &p.tx, &sig, &err) == 0, "%s", err.msg);
	ck_assert(sender_of(&p.tx, &sig, &p.from));
	ck_assert_uint_eq(p.tx.chain_id, c->chain_id);
	evm_tx_hash(raw, &p.hash);
	*ret_hash = p.hash;
	if (p.tx.nonce < evm_chain_count(c, &p.from, c->head) || pool_named(c, &p.hash)) {
		free(p.raw);
		return pool_named(c, ret_hash) ? EVM_CHAIN_KNOWN : EVM_CHAIN_NONCE_LOW;
	}
	old = pool_find(c, &p.from, p.tx.nonce);
	if (old) { /* whoever checks replacement rules is the node, by what it is told to say */
		free(old->raw);
		pool_remove(c, (size_t)(old - c->pool));
	}
	pool_put(c, &p);
	return EVM_CHAIN_TOOK;
}

const struct evm_chain_tx *evm_chain_mined(const struct evm_chain *c, const struct hash32 *hash)
{
	for (size_t i = 0; i < c->n_mined; i++)
		if (hash32_equal(&c->mined[i].tx.hash, hash))
			return &c->mined[i].tx;
	return NULL;
}

const struct evm_chain_log *evm_chain_logs(const struct evm_chain *c, size_t *n)
{
	*n = c->n_logs;
	return c->logs;
}

unsigned evm_chain_pooled(const struct evm_chain *c, const struct evm_address *who)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->n_pool; i++)
		n += !who || evm_address_equal(&c->pool[i].from, who);
	return n;
}

struct hash32 evm_chain_pooled_at(const struct evm_chain *c, const struct evm_address *who, uint64_t nonce)
{
	const struct pooled *p = pool_find(c, who, nonce);

	ck_assert_ptr_nonnull(p);
	return p->hash;
}

unsigned evm_chain_effects(const struct evm_chain *c, uint64_t nonce)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->n_logs; i++)
		n += c->logs[i].event == VERIFIER_EXECUTED && c->logs[i].nonce == nonce;
	return n;
}
