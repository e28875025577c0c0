/* outbox/keys.c - where a signer's or a relayer's key comes from: the wallet's seed, or an encrypted file. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "outbox/internal.h"
#include "rails/evm/address.h"
#include "rails/evm/keystore.h"

#define PASSWORD_MAX  1024
#define FILE_AGAIN_US (INT64_C(30) * 1000000)

/* "hd:3" or "file:cold". */
int key_source_parse(struct outbox *ob, const char *text, enum evm_role role, struct key_source *ret, struct err *err)
{
	struct key_source k = { .role = role };
	uint64_t index;

	if (text_starts(text, "hd:") && parse_u64(text + 3, INT32_MAX, &index)) {
		k.index = (uint32_t)index;
		snprintf(k.ref, sizeof(k.ref), "hd:m/44'/60'/%d'/0/%u", (int)role, k.index);
	} else if (text_starts(text, "file:") && text[5] != '\0' && strlen(text) < sizeof(k.ref) &&
		   !strchr(text, '/')) {
		k.is_file = true;
		k.file = arena_strdup(&ob->own, text + 5);
		snprintf(k.ref, sizeof(k.ref), "%s", text);
	} else {
		return ERR(err, ERR_CONFIG, "'%.60s' is no key: give hd:N or file:NAME", text);
	}
	*ret = k;
	return 0;
}

static struct evm_key *from_file(struct outbox *ob, const struct key_source *k, struct err *err)
{
	SCOPED(buf) struct buf json = BUF_SECRET(KEYSTORE_MAX);
	SCOPED(buf) struct buf password = BUF_SECRET(PASSWORD_MAX);
	SCOPED(secret) struct secret secret;

	if (ob->opt.read_key_file(ob->opt.ctx, k->file, &json, &password, err) != 0 ||
	    keystore_open(buf_bytes(&json), buf_bytes(&password), &secret, err) != 0) {
		err_context(err, "key file %s", k->file);
		return NULL;
	}
	return evm_key_from_secret(&secret, err);
}

void key_source_drop(struct key_source *k)
{
	evm_key_free(k->key);
	k->key = NULL;
}

/* The same reference gives another address than before: another seed, or a file that was exchanged. */
static int check_owner(struct key_source *k, const struct evm_address *found, struct err *err)
{
	char text[EVM_ADDRESS_TEXT], expected[EVM_ADDRESS_TEXT];

	k->stranger = k->has_row && !evm_address_equal(found, &k->address);
	if (!k->stranger)
		return 0;
	evm_address_text(found, text);
	evm_address_text(&k->address, expected);
	return ERR(err, ERR_CONFIG, "it is the key of %s, and that of %s is wanted", text, expected);
}

static int take(struct outbox *ob, struct key_source *k, struct err *err)
{
	struct evm_address address;
	uint8_t xy[64];

	k->key = k->is_file ? from_file(ob, k, err) : evm_key_derive(ob->keys, k->role, k->index, err);
	if (!k->key)
		return -1;
	evm_key_public(k->key, xy);
	evm_address_of_key(xy, &address);
	if (check_owner(k, &address, err) != 0) {
		key_source_drop(k);
		return -1;
	}
	k->address = address;
	return 0;
}

/* To open a file takes a second of the loop's time: one that is there and no good is not opened at every run. */
static void missing(struct outbox *ob, struct key_source *k, const struct err *err)
{
	if (k->is_file && err->code != ERR_NOT_FOUND)
		k->again_us = clock_mono_us() + FILE_AGAIN_US;
	if (strcmp(k->trouble.msg, err->msg) != 0)
		log_error(&ob->log, "outbox.key_missing", F_STR("key", k->ref), F_ERR(err));
	k->trouble = *err;
}

bool key_source_refresh(struct outbox *ob, struct key_source *k)
{
	bool had = k->key != NULL;
	struct err err;

	if (!k->is_file && !ob->keys) {
		key_source_drop(k);
		k->stranger = false;
		err_clear(&k->trouble);
		return had;
	}
	if (had || clock_mono_us() < k->again_us)
		return false;
	if (take(ob, k, &err) != 0) {
		missing(ob, k, &err);
		return false;
	}
	err_clear(&k->trouble);
	return true;
}

void key_source_pin(struct key_source *k, const struct evm_address *address)
{
	k->has_row = true;
	k->address = *address;
}
