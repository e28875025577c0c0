/* Vectors: tests/vectors/onchain/bip350.json (BIP350's own), bip433-p2a.json (BIP433's own). */
#include "rails/bitcoin/address.h"

#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/base58.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

static void lower_case(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text - 'A' + 'a');
}

START_TEST(bip350_valid)
{
	json_t *list = json_object_get(vectors_load("onchain/bip350.json"), "address_valid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 8);
	json_array_foreach(list, i, v)
	{
		char *lower = arena_strdup(&ra, vec_str(v, "address")), back[ADDRESS_TEXT_MAX];
		bool mainnet;
		struct spk s;

		lower_case(lower);
		mainnet = lower[0] == 'b';
		ck_ok(address_parse(vec_str(v, "address"), mainnet ? NETWORK_MAINNET : NETWORK_SIGNET, &s, &rerr));
		ck_assert(bytes_equal(spk_bytes(&s), vec_hex(v, "script_pubkey")));
		ck_assert(address_text(spk_bytes(&s), mainnet ? NETWORK_MAINNET : NETWORK_TESTNET4, back));
		ck_assert_str_eq(back, lower);
		ck_fails(address_parse(vec_str(v, "address"), NETWORK_REGTEST, &s, &rerr), ERR_NETWORK);
	}
}
END_TEST

START_TEST(bip350_invalid)
{
	json_t *list = json_object_get(vectors_load("onchain/bip350.json"), "address_invalid"), *v;
	size_t i;

	ck_assert_uint_eq(json_array_size(list), 15);
	json_array_foreach(list, i, v)
	{
		const char *text = vec_str(v, "address");
		enum network net = text[0] == 't' ? NETWORK_SIGNET : NETWORK_MAINNET;
		struct spk s;

		ck_fails(address_parse(text, net, &s, &rerr), ERR_ADDRESS);
	}
}
END_TEST

static const struct {
	const char *text;
	enum network net;
	const char *script;
} addresses[] = {
	{ "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", NETWORK_MAINNET, "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac" },
	{ "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", NETWORK_MAINNET, "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87" },
	{ "1111111111111111111114oLvT2", NETWORK_MAINNET, "76a914000000000000000000000000000000000000000088ac" },
	{ "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", NETWORK_SIGNET, "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac" },
	{ "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", NETWORK_REGTEST, "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac" },
	{ "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", NETWORK_TESTNET4, "a9144e9f39ca4688ff102128ea4ccda34105324305b087" },
	{ "bcrt1pfeesnyr2tx", NETWORK_REGTEST, "51024e73" },
};

START_TEST(both_ways)
{
	char back[ADDRESS_TEXT_MAX];
	struct spk s;

	ck_ok(address_parse(addresses[_i].text, addresses[_i].net, &s, &rerr));
	ck_assert_str_eq(hex_text(&ra, spk_bytes(&s)), addresses[_i].script);
	ck_assert(address_text(spk_bytes(&s), addresses[_i].net, back));
	ck_assert_str_eq(back, addresses[_i].text);
}
END_TEST

START_TEST(pay_to_anchor)
{
	json_t *v = json_object_get(vectors_load("onchain/bip433-p2a.json"), "addresses");
	struct spk s = spk_p2a();
	char text[ADDRESS_TEXT_MAX];

	ck_assert(address_text(spk_bytes(&s), NETWORK_MAINNET, text));
	ck_assert_str_eq(text, vec_str(v, "mainnet"));
	ck_assert(address_text(spk_bytes(&s), NETWORK_SIGNET, text));
	ck_assert_str_eq(text, vec_str(v, "testnet_signet"));
	ck_assert(address_text(spk_bytes(&s), NETWORK_TESTNET4, text));
	ck_assert_str_eq(text, vec_str(v, "testnet_signet"));
	ck_assert(address_text(spk_bytes(&s), NETWORK_REGTEST, text));
	ck_assert_str_eq(text, vec_str(v, "regtest"));
}
END_TEST

static const struct {
	const char *text;
	enum network net;
	enum err_code why;
	const char *says;
} refused[] = {
	{ "tb1pfees9rn5nz", NETWORK_MAINNET, ERR_NETWORK,
	  "an address of signet or testnet4; the wallet is on mainnet" },
	{ "bc1pfeessrawgf", NETWORK_SIGNET, ERR_NETWORK, "an address of mainnet; the wallet is on signet" },
	{ "bcrt1pfeesnyr2tx", NETWORK_TESTNET4, ERR_NETWORK, "an address of regtest; the wallet is on testnet4" },
	{ "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", NETWORK_REGTEST, ERR_NETWORK, "mainnet" },
	{ "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", NETWORK_SIGNET, ERR_NETWORK, "mainnet" },
	{ "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", NETWORK_MAINNET, ERR_NETWORK, "a test network" },
	{ "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", NETWORK_MAINNET, ERR_NETWORK, "a test network" },
	{ "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", NETWORK_MAINNET, ERR_ADDRESS, "begins with \"ltc1\"" },
	{ "LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", NETWORK_MAINNET, ERR_ADDRESS, "mixed" },
	{ "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", NETWORK_MAINNET, ERR_ADDRESS, "checksum" },
	{ "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf", NETWORK_MAINNET, ERR_ADDRESS, "not an address" },
	{ "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", NETWORK_MAINNET, ERR_ADDRESS, "character 32" },
	{ "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", NETWORK_MAINNET, ERR_ADDRESS, "mistyped" },
	{ "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3", NETWORK_MAINNET, ERR_ADDRESS, "checksum" },
	{ "bc1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", NETWORK_MAINNET, ERR_ADDRESS, "mixed" },
	{ "bc1", NETWORK_MAINNET, ERR_ADDRESS, "too short" },
	{ "", NETWORK_MAINNET, ERR_ADDRESS, "nothing" },
	{ " ", NETWORK_MAINNET, ERR_ADDRESS, "not an address" },
	{ "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4 ", NETWORK_MAINNET, ERR_ADDRESS, "character 43" },
	{ "bitcoin:bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", NETWORK_MAINNET, ERR_ADDRESS, "not" },
	{ "an84characterslonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1569pvx",
	  NETWORK_MAINNET, ERR_ADDRESS, "longer than 90" },
	{ "16UwLL9Risc3QfPqBUvKofHmBQ7wMtjvM\xc3", NETWORK_MAINNET, ERR_ADDRESS, "character 34" },
	/* an extended key, a private key */
	{ "xpub661MyMwAqRbcFkPHucMnrGNzDwb6teAX1RbKQmqtEF8kK3Z7LZ59qafCjB9eCRLiTVG3uxBxgKvRgbubRhqSKXnGGb1aoaqLrpMBDrVxga8",
	  NETWORK_MAINNET, ERR_ADDRESS, "longer" },
	{ "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d", NETWORK_MAINNET, ERR_ADDRESS, "mixed" },
};

START_TEST(refused_with_a_reason)
{
	struct spk s = { .n = 42 };

	ck_fails(address_parse(refused[_i].text, refused[_i].net, &s, &rerr), refused[_i].why);
	ck_assert_msg(strstr(rerr.msg, refused[_i].says) != NULL, "\"%s\" does not say \"%s\"", rerr.msg,
		      refused[_i].says);
	ck_assert_uint_eq(s.n, 42);
}
END_TEST

/* A version of some other chain, whose text begins as ours might. */
START_TEST(other_versions)
{
	uint8_t raw[21] = { 110 };
	char text[BASE58_TEXT_MAX + 1];
	struct spk s;

	base58check_encode((struct bytes){ raw, sizeof(raw) }, text);
	ck_assert(text[0] == 'm' || text[0] == 'n');
	ck_fails(address_parse(text, NETWORK_REGTEST, &s, &rerr), ERR_ADDRESS);
	ck_assert_ptr_nonnull(strstr(rerr.msg, "version 110"));
}
END_TEST

static const char *const without_address[] = {
	"", "6a", "51", "210279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798ac"
};

START_TEST(scripts_that_no_address_stands_for)
{
	struct bytes script;
	char text[ADDRESS_TEXT_MAX];

	ck_assert(hex_decode_any(&ra, without_address[_i], 100, &script));
	ck_assert(!address_text(script, NETWORK_MAINNET, text));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/address");
	TCase *c = rails_case(s, "address");

	tcase_add_test(c, bip350_valid);
	tcase_add_test(c, bip350_invalid);
	tcase_add_loop_test(c, both_ways, 0, ARRAY_LEN(addresses));
	tcase_add_test(c, pay_to_anchor);
	tcase_add_loop_test(c, refused_with_a_reason, 0, ARRAY_LEN(refused));
	tcase_add_test(c, other_versions);
	tcase_add_loop_test(c, scripts_that_no_address_stands_for, 0, ARRAY_LEN(without_address));
	return suite_run(s);
}
