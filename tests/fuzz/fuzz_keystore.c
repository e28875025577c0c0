/* A key file that somebody put there.  Costs that would be paid are passed over above a little, or there would be a few
 * inputs a second. */
#include <stdlib.h>

#include "base/cipher.h"
#include "base/json.h"
#include "rails/evm/keystore.h"

#define WORK_TRIED 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool is_cheap(struct bytes text)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(256 * 1024);
	json_t *file, *kdf;
	struct err err;
	const char *names[] = { "n", "r", "p" };
	uint64_t work = 1;

	if (text.n > KEYSTORE_MAX || json_parse(&a, text, JSON_DEPTH_MAX, &file, &err) != 0)
		return true;
	kdf = json_object_get(file, "crypto");
	kdf = json_object_get(kdf != NULL ? kdf : json_object_get(file, "Crypto"), "kdfparams");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_int_t v = json_integer_value(json_object_get(kdf, names[i]));

		if (v <= 0 || v > (json_int_t)SCRYPT_WORK_MAX)
			return true; /* refused */
		work *= (uint64_t)v;
	}
	return work <= WORK_TRIED || work > SCRYPT_WORK_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct secret key = { { 0 } }, again = key;
	struct bytes text = { data, size };
	struct err err;

	if (!is_cheap(text))
		return 0;
	if (keystore_open(text, bytes_of("correct horse"), &key, &err) == 0) {
		must(keystore_open(text, bytes_of("correct horse"), &again, &err) == 0 && ct_equal(&key, &again, 32));
		must(keystore_open(text, bytes_of("correct horsf"), &again, &err) != 0 && err.code == ERR_PASSPHRASE);
		return 0;
	}
	must(err.code == ERR_PARSE || err.code == ERR_UNSUPPORTED || err.code == ERR_RANGE ||
	     err.code == ERR_PASSPHRASE);
	must(err.msg[0] != '\0' && ct_equal(&key, &again, 32)); /* untouched */
	return 0;
}
