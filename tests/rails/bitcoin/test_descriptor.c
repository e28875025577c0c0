/* Vectors: BIP380's checksums; tests/vectors/onchain/bip86.json (BIP86's own), whose descriptors were given their checksums
 * by the program in BIP380. */
#include "rails/bitcoin/descriptor.h"

#include <string.h>

#include "rails/keys/keyring.h"
#include "tests/support/rails.h"
#include "tests/support/suite.h"

START_TEST(bip380)
{
	char sum[DESCRIPTOR_CHECKSUM] = "kept";

	ck_assert(descriptor_checksum("raw(deadbeef)", sum));
	ck_assert_str_eq(sum, "89f8spxm");
	ck_assert(descriptor_checksum("raw(deedbeef)", sum));
	ck_assert_str_ne(sum, "89f8spxm");
	ck_assert(!descriptor_checksum("raw(\xc3\x9c)", sum));
	ck_assert(!descriptor_checksum("raw(\n)", sum));
}
END_TEST

/* Every length of the last group of three, every wrong character. */
START_TEST(one_wrong_character)
{
	char text[] = "tr([73c5da0a/86h/0h/0h]xpub/0/*)", sum[DESCRIPTOR_CHECKSUM], other[DESCRIPTOR_CHECKSUM];

	for (size_t n = sizeof(text) - 1; n > sizeof(text) - 5; n--) {
		text[n] = '\0';
		ck_assert(descriptor_checksum(text, sum));
		ck_assert_uint_eq(strlen(sum), DESCRIPTOR_CHECKSUM - 1);
		for (size_t i = 0; i < n; i++) {
			char was = text[i];

			for (char c = ' '; c < 127; c++) {
				text[i] = c;
				ck_assert(descriptor_checksum(text, other));
				ck_assert((strcmp(sum, other) == 0) == (c == was));
			}
			text[i] = was;
		}
	}
}
END_TEST

#define ACCOUNT                                                                                                        \
	"tr([73c5da0a/86h/0h/0h]xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9QyrLprQ3VC" \
	"ECoY49yfdDEHGCtMMj92pReUsQ"

START_TEST(of_a_wallet)
{
	json_t *v = vectors_load("onchain/bip86.json");
	char fingerprint[KEYRING_FINGERPRINT];
	struct bip32_pub account;
	struct keyring *kr;
	struct mnemonic m;

	ck_ok(mnemonic_parse(vec_str(v, "mnemonic"), &m, &rerr));
	kr = keyring_new(&m, vec_str(v, "passphrase"), &rerr);
	ck_assert_ptr_nonnull(kr);
	keyring_fingerprint(kr, fingerprint);
	keyring_onchain_account(kr, NETWORK_MAINNET, &account);
	ck_assert_str_eq(descriptor_bip86(&ra, fingerprint, &account, NETWORK_MAINNET, KEYRING_RECEIVE),
			 ACCOUNT "/0/*)#se42yddx");
	ck_assert_str_eq(descriptor_bip86(&ra, fingerprint, &account, NETWORK_MAINNET, KEYRING_CHANGE),
			 ACCOUNT "/1/*)#pdsteca7");
	ck_assert_str_eq(descriptor_bip86(&ra, fingerprint, &account, NETWORK_MAINNET, DESCRIPTOR_BOTH),
			 ACCOUNT "/<0;1>/*)#xf07c0qd");
	keyring_onchain_account(kr, NETWORK_REGTEST, &account);
	ck_assert_mem_eq(descriptor_bip86(&ra, fingerprint, &account, NETWORK_REGTEST, DESCRIPTOR_BOTH),
			 "tr([73c5da0a/86h/1h/0h]tpub", 27);
	keyring_free(kr);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/bitcoin/descriptor");
	TCase *c = rails_case(s, "descriptor");

	tcase_add_test(c, bip380);
	tcase_add_test(c, one_wrong_character);
	tcase_add_test(c, of_a_wallet);
	return suite_run(s);
}
