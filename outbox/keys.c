/* outbox/keys.c - where a signer's or a relayer's key comes from: the wallet's seed, or an encrypted file. */
#include <string.h>

#include "base/text.h"
#include "outbox/internal.h"
#include "rails/evm/address.h"
#include "rails/evm/keystore.h"

#define PASSWORD_MAX 1024

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

void key_source_refresh(struct outbox *ob, struct key_source *k)
{
	uint8_t xy[64];

	if (!k->is_file && !ob->keys) {
		key_source_drop(k);
		err_clear(&k->trouble);
		return;
	}
	if (k->key)
		return;
	err_clear(&k->trouble);
	k->key = k->is_file ? from_file(ob, k, &k->trouble) : evm_key_derive(ob->keys, k->role, k->index, &k->trouble);
	if (!k->key) {
		log_error(&ob->log, "outbox.key_missing", F_STR("key", k->ref), F_ERR(&k->trouble));
		return;
	}
	evm_key_public(k->key, xy);
	evm_address_of_key(xy, &k->address);
}
