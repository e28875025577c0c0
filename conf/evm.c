/* conf/evm.c - two tables of words, and one reader for both. */
#include "conf/evm.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/params.h"
#include "base/text.h"

#define ENTRY_BYTES 2048
#define URL_BYTES   512
#define GWEI_MAX    INT64_C(1000000000)       /* an ether for a unit of gas */
#define FEE_MAX     INT64_C(1000000000000000) /* a million ether, in gwei */
#define TIP_WEI_MAX INT64_C(1000000000000000000)
#define HD_MAX      INT64_C(2147483647) /* a BIP32 index */
#define WORDS_MAX   24

/* Where the text of an entry goes that is being read: a chain or a space, and what is known about it so far. */
struct reading {
	struct arena *a;
	void *to;
	unsigned *given;
	const struct word *words;
};

struct word {
	const char *name;
	int64_t min, max;    /* of a number */
	const char *choices; /* instead: "a|b", stored by index */
	size_t at;           /* of the int64_t */
	/* Instead: takes the value itself. */
	int (*take)(struct reading *r, const char *value, struct err *err);
	bool repeats;
};

/* --- values --- */

bool conf_key_name_ok(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n <= CONF_KEY_NAME_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == n;
}

static int check_key(const char *word, const char *value, struct err *err)
{
	int64_t index;

	if (text_starts(value, "hd:") && parse_i64(value + strlen("hd:"), 0, HD_MAX, &index))
		return 0;
	if (text_starts(value, "file:") && conf_key_name_ok(value + strlen("file:")))
		return 0;
	return ERR(err, ERR_CONFIG, "needs %s to be hd:NUMBER or file:NAME", word);
}

static int take_rpc(struct reading *r, const char *value, struct err *err)
{
	struct conf_evm_chain *c = r->to;
	size_t scheme = text_starts(value, "http://") ? 7 : text_starts(value, "https://") ? 8 : 0;

	if (scheme == 0 || strcspn(value + scheme, "/?#@") == 0 || strlen(value) > URL_BYTES)
		return ERR(err, ERR_CONFIG, "needs rpc to be http://host:port or https://host/path, in %d bytes",
			   URL_BYTES);
	if (c->n_rpc == CONF_EVM_RPC_MAX)
		return ERR(err, ERR_CONFIG, "has more than %d rpc", CONF_EVM_RPC_MAX);
	for (size_t i = 0; i < c->n_rpc; i++)
		if (strcmp(c->rpc[i], value) == 0)
			return ERR(err, ERR_CONFIG, "has the same rpc twice");
	c->rpc[c->n_rpc++] = arena_strdup(r->a, value);
	return 0;
}

static int take_relayer(struct reading *r, const char *value, struct err *err)
{
	struct conf_evm_chain *c = r->to;

	if (check_key("relayer", value, err) != 0)
		return -1;
	if (c->n_relayers == CONF_EVM_LANES_MAX)
		return ERR(err, ERR_CONFIG, "has more than %d relayers", CONF_EVM_LANES_MAX);
	for (size_t i = 0; i < c->n_relayers; i++)
		if (strcmp(c->relayers[i], value) == 0)
			return ERR(err, ERR_CONFIG, "has the relayer %s twice", value);
	c->relayers[c->n_relayers++] = arena_strdup(r->a, value);
	return 0;
}

static int take_confirmations(struct reading *r, const char *value, struct err *err)
{
	struct conf_evm_chain *c = r->to;

	if (strcmp(value, "finalized") == 0)
		c->confirmations = 0;
	else if (!parse_i64(value, 1, 10000, &c->confirmations))
		return ERR(err, ERR_CONFIG, "needs confirmations to be a number from 1 to 10000 or finalized");
	return 0;
}

static int take_contract(struct reading *r, const char *value, struct err *err)
{
	struct conf_outbox_space *s = r->to;
	uint8_t address[20];

	if (!text_starts(value, "0x") || !hex_decode(value + 2, address, sizeof(address)))
		return ERR(err, ERR_CONFIG, "needs contract to be 0x and 40 hex digits");
	s->contract = arena_strdup(r->a, value);
	return 0;
}

static int take_signer(struct reading *r, const char *value, struct err *err)
{
	struct conf_outbox_space *s = r->to;

	if (check_key("signer", value, err) != 0)
		return -1;
	s->signer = arena_strdup(r->a, value);
	return 0;
}

#define NUMBER(word_name, field, least, most)                                                                          \
	{                                                                                                              \
		.name = word_name, .min = (least), .max = (most), .at = offsetof(struct conf_evm_chain, field)         \
	}
static const struct word chain_words[] = {
	{ .name = "rpc", .take = take_rpc, .repeats = true },
	{ .name = "confirmations", .take = take_confirmations },
	{ .name = "relayer", .take = take_relayer, .repeats = true },
	NUMBER("lanes", lanes, 1, CONF_EVM_LANES_MAX),
	NUMBER("block_time_ms", block_time_ms, 50, 3600000),
	NUMBER("max_fee_gwei", max_fee_gwei, 1, GWEI_MAX),
	NUMBER("max_tip_gwei", max_tip_gwei, 0, GWEI_MAX),
	NUMBER("min_tip_wei", min_tip_wei, 0, TIP_WEI_MAX),
	NUMBER("max_tx_fee_gwei", max_tx_fee_gwei, 1, FEE_MAX),
	NUMBER("max_day_fee_gwei", max_day_fee_gwei, 1, FEE_MAX),
	NUMBER("batch", batch, 1, 1000),
	NUMBER("slots", slots, 1, 256),
	NUMBER("log_range", log_range, 1, 1000000),
	{ .name = "nonce_check", .choices = "try|required", .at = offsetof(struct conf_evm_chain, nonce_check) },
	{ .name = NULL },
};
#define WORD_CONFIRMATIONS 1
#define WORD_LANES         3

static const struct word space_words[] = {
	{ .name = "contract", .take = take_contract },
	{ .name = "signer", .take = take_signer },
	{ .name = "ordering", .choices = "none|account|signer", .at = offsetof(struct conf_outbox_space, ordering) },
	{ .name = "release_at",
	  .choices = "submitted|included|confirmed",
	  .at = offsetof(struct conf_outbox_space, release_at) },
	{ .name = "halt_on_terminal", .max = 1, .at = offsetof(struct conf_outbox_space, halt_on_terminal) },
	{ .name = "payload", .choices = "checked|any", .at = offsetof(struct conf_outbox_space, payload) },
	{ .name = "deploy_block", .max = INT64_MAX, .at = offsetof(struct conf_outbox_space, deploy_block) },
	{ .name = NULL },
};
#define WORD_CONTRACT 0
#define WORD_SIGNER   1

static bool was_given(unsigned given, unsigned word)
{
	return (given & 1u << word) != 0;
}

/* --- reading --- */

/* What was meant as a word may be a URL that holds a key: only what looks like a word is repeated. */
static int unknown_word(const struct reading *r, const char *name, struct err *err)
{
	const char *names[WORDS_MAX + 1], *near;
	size_t n = strlen(name), i = 0;

	if (n > 32 || strspn(name, "abcdefghijklmnopqrstuvwxyz_") != n)
		return ERR(err, ERR_CONFIG, "holds something that is not word=value");
	for (; r->words[i].name; i++)
		names[i] = r->words[i].name;
	names[i] = NULL;
	near = nearest_name(name, names);
	if (near)
		return ERR(err, ERR_CONFIG, "has the unknown word %s; did you mean %s?", name, near);
	return ERR(err, ERR_CONFIG, "has the unknown word %s", name);
}

static int take_choice(const struct word *w, const char *value, int64_t *ret, struct err *err)
{
	size_t n = strlen(value);
	int64_t i = 0;

	for (const char *p = w->choices;; p += strcspn(p, "|") + 1, i++) {
		size_t len = strcspn(p, "|");

		if (len == n && memcmp(p, value, n) == 0) {
			*ret = i;
			return 0;
		}
		if (p[len] == '\0')
			return ERR(err, ERR_CONFIG, "needs %s to be one of %s", w->name, w->choices);
	}
}

static int take_value(struct reading *r, const struct word *w, const char *value, struct err *err)
{
	int64_t *at = (int64_t *)(void *)((char *)r->to + w->at);

	if (w->take)
		return w->take(r, value, err);
	if (w->choices)
		return take_choice(w, value, at, err);
	if (!parse_i64(value, w->min, w->max, at))
		return ERR(err, ERR_CONFIG, "needs %s to be a whole number from %" PRId64 " to %" PRId64, w->name,
			   w->min, w->max);
	return 0;
}

static int take_word(struct reading *r, char *text, struct err *err)
{
	char *equals = strchr(text, '=');
	unsigned i = 0;

	if (!equals)
		return unknown_word(r, text, err);
	*equals = '\0';
	while (r->words[i].name && strcmp(r->words[i].name, text) != 0)
		i++;
	if (!r->words[i].name)
		return unknown_word(r, text, err);
	if (was_given(*r->given, i) && !r->words[i].repeats)
		return ERR(err, ERR_CONFIG, "has %s twice", text);
	*r->given |= 1u << i;
	return take_value(r, &r->words[i], equals + 1, err);
}

/* Cuts the next word off; NULL at the end. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t");
	size_t n = strcspn(word, " \t");

	if (n == 0)
		return NULL;
	*at = word + n + (word[n] != '\0');
	word[n] = '\0';
	return word;
}

/* The entry in words of its own, and the number that it begins with. */
static int begin(struct arena *a, const char *entry, char **ret_rest, int64_t *ret_chain, struct err *err)
{
	char *number;

	if (strlen(entry) > ENTRY_BYTES)
		return ERR(err, ERR_CONFIG, "is longer than %d bytes", ENTRY_BYTES);
	*ret_rest = arena_strdup(a, entry);
	number = next_word(ret_rest);
	if (!number || !parse_i64(number, 1, INT64_MAX, ret_chain))
		return ERR(err, ERR_CONFIG, "does not begin with the number of a chain, such as 1");
	return 0;
}

static int read_words(struct reading *r, char *rest, struct err *err)
{
	char *word;

	while ((word = next_word(&rest)))
		if (take_word(r, word, err) != 0)
			return -1;
	return 0;
}

/* --- chains --- */

static struct conf_evm_chain *chain_of(struct conf_evm_chain *chains, size_t *n, int64_t chain_id)
{
	for (size_t i = 0; i < *n; i++)
		if (chains[i].chain_id == chain_id)
			return &chains[i];
	if (*n == CONF_EVM_CHAINS_MAX)
		return NULL;
	chains[*n] = (struct conf_evm_chain){
		.chain_id = chain_id,
		.lanes = 1,
		.block_time_ms = 12000,
		.max_fee_gwei = 500,
		.max_tip_gwei = 50,
		.min_tip_wei = 100000000,
		.max_tx_fee_gwei = 1000000000,
		.max_day_fee_gwei = INT64_C(10000000000),
		.batch = 200,
		.slots = 16,
		.log_range = 5000,
	};
	return &chains[(*n)++];
}

/* The sentence goes on: "the value" for chain 5 "needs …". */
static int for_chain(int64_t chain_id, struct err *err)
{
	const struct err why = *err;

	return ERR(err, ERR_CONFIG, "for chain %" PRId64 " %s", chain_id, why.msg);
}

static int read_chain(struct arena *a, const char *entry, struct conf_evm_chain *chains, size_t *n, struct err *err)
{
	struct conf_evm_chain *c;
	int64_t chain_id;
	char *rest;

	if (begin(a, entry, &rest, &chain_id, err) != 0)
		return -1;
	c = chain_of(chains, n, chain_id);
	if (!c)
		return ERR(err, ERR_CONFIG, "is of more than %d chains", CONF_EVM_CHAINS_MAX);
	if (read_words(&(struct reading){ a, c, &c->given, chain_words }, rest, err) != 0)
		return for_chain(chain_id, err);
	return 0;
}

int conf_evm_chain_check(const char *entry, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16384);
	struct conf_evm_chain one[CONF_EVM_CHAINS_MAX];
	size_t n = 0;

	return read_chain(&a, entry, one, &n, err);
}

static int check_chain(const struct conf_evm_chain *c, struct err *err)
{
	if (c->n_rpc == 0)
		return ERR(err, ERR_CONFIG, "needs an rpc=URL");
	if (!was_given(c->given, WORD_CONFIRMATIONS))
		return ERR(err, ERR_CONFIG,
			   "needs confirmations=NUMBER or confirmations=finalized: how deep is final there?");
	if (c->n_relayers > 0 && was_given(c->given, WORD_LANES))
		return ERR(err, ERR_CONFIG, "has both lanes and relayers: each relayer is a lane");
	if (c->max_tip_gwei > c->max_fee_gwei)
		return ERR(err, ERR_CONFIG, "has a max_tip_gwei above its max_fee_gwei");
	if (c->min_tip_wei > c->max_tip_gwei * 1000000000)
		return ERR(err, ERR_CONFIG, "has a min_tip_wei above its max_tip_gwei");
	if (c->max_tx_fee_gwei > c->max_day_fee_gwei)
		return ERR(err, ERR_CONFIG, "has a max_tx_fee_gwei above its max_day_fee_gwei");
	return 0;
}

int conf_evm_chains(struct arena *a, const struct conf_list *entries, struct conf_evm_chain **ret, size_t *ret_n,
		    struct err *err)
{
	struct conf_evm_chain *chains = ARENA_ARRAY(a, CONF_EVM_CHAINS_MAX, struct conf_evm_chain);
	size_t n = 0;

	for (size_t i = 0; i < entries->n; i++)
		if (read_chain(a, entries->items[i], chains, &n, err) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (check_chain(&chains[i], err) != 0)
			return for_chain(chains[i].chain_id, err);
	*ret = chains;
	*ret_n = n;
	return 0;
}

char *conf_evm_chain_shown(struct arena *a, const char *value)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024 * 1024);

	while (*value) {
		size_t n = strcspn(value, " \t,");
		const char *word = arena_strndup(a, value, n), *equals = strchr(word, '=');

		buf_text_add(&b, equals ? arena_strndup(a, word, (size_t)(equals + 1 - word)) : word);
		if (equals)
			buf_text_add(&b, url_shown(a, equals + 1));
		value += n;
		n = strspn(value, " \t,");
		buf_add(&b, value, n);
		value += n;
	}
	return arena_strdup(a, buf_ok(&b) ? buf_text(&b) : "***");
}

/* --- spaces --- */

static int read_space(struct arena *a, const char *entry, struct conf_outbox_space *s, struct err *err)
{
	char *rest;

	*s = (struct conf_outbox_space){ .ordering = CONF_ORDER_ACCOUNT };
	if (begin(a, entry, &rest, &s->chain_id, err) != 0 ||
	    read_words(&(struct reading){ a, s, &s->given, space_words }, rest, err) != 0)
		return -1;
	if (!was_given(s->given, WORD_CONTRACT) || !was_given(s->given, WORD_SIGNER))
		return ERR(err, ERR_CONFIG, "needs a contract=0x… and a signer=hd:0 or signer=file:NAME");
	return 0;
}

int conf_outbox_space_check(const char *entry, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(16384);
	struct conf_outbox_space one;

	return read_space(&a, entry, &one, err);
}

/* The address may be written with its checksum here and without it there. */
static bool same_space(const struct conf_outbox_space *x, const struct conf_outbox_space *y)
{
	return x->chain_id == y->chain_id && strcasecmp(x->contract, y->contract) == 0 &&
	       strcmp(x->signer, y->signer) == 0;
}

static int check_space(const struct conf_outbox_space *spaces, size_t at, const struct conf_evm_chain *chains,
		       size_t n_chains, struct err *err)
{
	const struct conf_outbox_space *s = &spaces[at];
	size_t i = 0;

	while (i < n_chains && chains[i].chain_id != s->chain_id)
		i++;
	if (i == n_chains)
		return ERR(err, ERR_CONFIG, "is on chain %" PRId64 ", of which no evm_chain tells", s->chain_id);
	for (i = 0; i < at; i++)
		if (same_space(&spaces[i], s))
			return ERR(err, ERR_CONFIG, "has the same chain, contract and signer twice");
	return 0;
}

int conf_outbox_spaces(struct arena *a, const struct conf_list *entries, const struct conf_evm_chain *chains,
		       size_t n_chains, struct conf_outbox_space **ret, size_t *ret_n, struct err *err)
{
	struct conf_outbox_space *spaces = ARENA_ARRAY(a, entries->n, struct conf_outbox_space);

	for (size_t i = 0; i < entries->n; i++)
		if (read_space(a, entries->items[i], &spaces[i], err) != 0 ||
		    check_space(spaces, i, chains, n_chains, err) != 0) {
			const struct err why = *err;

			return ERR(err, ERR_CONFIG, "\"%.80s\" %s", entries->items[i], why.msg);
		}
	*ret = spaces;
	*ret_n = entries->n;
	return 0;
}
