#include "rails/bitcoin/address.h"

#include <string.h>

#include "rails/bitcoin/base58.h"
#include "rails/bitcoin/bech32.h"

/* What addresses of a network begin with. */
struct prefixes {
	const char *hrp;
	uint8_t p2pkh, p2sh;
	const char *networks; /* all that share the hrp */
};

static const struct prefixes *prefixes_of(enum network net)
{
	static const struct prefixes of[NETWORK_COUNT] = {
		[NETWORK_MAINNET] = { "bc", 0x00, 0x05, "mainnet" },
		[NETWORK_SIGNET] = { "tb", 0x6f, 0xc4, "signet or testnet4" },
		[NETWORK_TESTNET4] = { "tb", 0x6f, 0xc4, "signet or testnet4" },
		[NETWORK_REGTEST] = { "bcrt", 0x6f, 0xc4, "regtest" },
	};

	return &of[net];
}

/* Room for decoding one address. */
#define SCRATCH 1024
#define PAYLOAD 21 /* of Base58: a version and a hash */

static int wrong_network(const char *theirs, enum network ours, struct err *err)
{
	return ERR(err, ERR_NETWORK, "this is an address of %s; the wallet is on %s", theirs, network_names[ours]);
}

static int check_hrp(const char *hrp, enum network net, struct err *err)
{
	if (strcmp(hrp, prefixes_of(net)->hrp) == 0)
		return 0;
	for (int i = 0; i < NETWORK_COUNT; i++)
		if (strcmp(hrp, prefixes_of((enum network)i)->hrp) == 0)
			return wrong_network(prefixes_of((enum network)i)->networks, net, err);
	return ERR(err, ERR_ADDRESS, "no bitcoin address: it begins with \"%.16s1\"", hrp);
}

static int not_an_address(const struct err *why, struct err *err)
{
	return ERR(err, ERR_ADDRESS, "not an address: %s", why->msg);
}

static int parse_witness(const char *text, enum network net, struct spk *ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH);
	struct bytes program;
	struct bech32 b;
	unsigned version;
	struct err why;

	if (bech32_decode(&scratch, text, BECH32_TEXT_MAX, &b, &why) != 0)
		return not_an_address(&why, err);
	if (check_hrp(b.hrp, net, err) != 0)
		return -1;
	if (b.groups.n == 0)
		return ERR(err, ERR_ADDRESS, "not an address: there is nothing after the prefix");
	version = b.groups.p[0];
	if (version > 16)
		return ERR(err, ERR_ADDRESS, "not an address: witness version %u is above 16", version);
	if (b.form != (version == 0 ? BECH32 : BECH32M))
		return ERR(err, ERR_ADDRESS, "not an address: witness version %u has the checksum of the other form",
			   version);
	if (bech32_bytes_of(&scratch, (struct bytes){ b.groups.p + 1, b.groups.n - 1 }, &program, &why) != 0)
		return not_an_address(&why, err);
	if (!spk_witness(version, program, ret))
		return ERR(err, ERR_ADDRESS, "not an address: %zu bytes do not go with witness version %u", program.n,
			   version);
	return 0;
}

static int parse_base58(const char *text, enum network net, struct spk *ret, struct err *err)
{
	const struct prefixes *ours = prefixes_of(net), *mainnet = prefixes_of(NETWORK_MAINNET),
			      *test = prefixes_of(NETWORK_REGTEST);
	uint8_t raw[PAYLOAD];
	struct err why;

	if (base58check_decode(text, raw, sizeof(raw), &why) != 0)
		return not_an_address(&why, err);
	if (raw[0] == ours->p2pkh) {
		*ret = spk_p2pkh(raw + 1);
		return 0;
	}
	if (raw[0] == ours->p2sh) {
		*ret = spk_p2sh(raw + 1);
		return 0;
	}
	if (raw[0] == mainnet->p2pkh || raw[0] == mainnet->p2sh)
		return wrong_network("mainnet", net, err);
	if (raw[0] == test->p2pkh || raw[0] == test->p2sh)
		return wrong_network("a test network", net, err);
	return ERR(err, ERR_ADDRESS, "no bitcoin address: version %u", raw[0]);
}

/* All that Base58 makes of our versions begins with one of these, and is shorter: what is wrong with anything else is said
 * in terms of Bech32. */
static bool looks_like_base58(const char *text)
{
	return strchr("123mn", text[0]) != NULL && strlen(text) <= 40;
}

int address_parse(const char *text, enum network net, struct spk *ret, struct err *err)
{
	if (text[0] == '\0')
		return ERR(err, ERR_ADDRESS, "not an address: there is nothing");
	return looks_like_base58(text) ? parse_base58(text, net, ret, err) : parse_witness(text, net, ret, err);
}

static void base58_text(uint8_t version, struct bytes hash, char ret[ADDRESS_TEXT_MAX])
{
	uint8_t raw[PAYLOAD] = { version };
	char text[BASE58_TEXT_MAX + 1];

	memcpy(raw + 1, hash.p, PAYLOAD - 1);
	base58check_encode((struct bytes){ raw, sizeof(raw) }, text);
	memcpy(ret, text, strlen(text) + 1); /* 25 bytes make at most 35 characters */
}

static void witness_text(unsigned version, struct bytes program, const char *hrp, char ret[ADDRESS_TEXT_MAX])
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH);
	struct bytes of = bech32_groups_of(&scratch, program);
	uint8_t *groups = arena_alloc(&scratch, 1 + of.n);
	const char *text;

	groups[0] = (uint8_t)version;
	memcpy(groups + 1, of.p, of.n);
	text = bech32_encode(&scratch, version == 0 ? BECH32 : BECH32M, hrp, (struct bytes){ groups, 1 + of.n });
	memcpy(ret, text, strlen(text) + 1); /* 40 bytes after "bcrt" make 76 characters */
}

bool address_text(struct bytes script, enum network net, char ret[ADDRESS_TEXT_MAX])
{
	const struct prefixes *p = prefixes_of(net);
	struct bytes part;

	switch (spk_classify(script, &part)) {
	case SPK_P2PKH:
		base58_text(p->p2pkh, part, ret);
		return true;
	case SPK_P2SH:
		base58_text(p->p2sh, part, ret);
		return true;
	case SPK_P2WPKH:
	case SPK_P2WSH:
	case SPK_P2TR:
	case SPK_P2A:
	case SPK_WITNESS_UNKNOWN:
		witness_text((unsigned)spk_witness_version(script, NULL), part, p->hrp, ret);
		return true;
	case SPK_OTHER:
	case SPK_OP_RETURN:
		return false;
	}
	return false;
}
