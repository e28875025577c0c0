/* A PSBT from a stranger: read it; what was read can be written, and reads as the same again; then everything that is done
 * with one is done with it. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/psbt_sign.h"
#include "rails/bitcoin/secp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARENA_MAX (64 * 1024 * 1024)

static void must(bool ok)
{
	if (!ok)
		abort();
}

static bool refused(const struct err *err)
{
	return err->code == ERR_PSBT || err->code == ERR_UNSUPPORTED || err->code == ERR_CRYPTO ||
	       err->code == ERR_RANGE || err->code == ERR_PARSE;
}

static void use(struct arena *a, struct psbt *p)
{
	static const uint8_t fingerprint[4] = { 0x77, 0x2b, 0x2d, 0xa7 }; /* of BIP371's examples */
	static const uint8_t no_signature[64];
	struct psbt_job *jobs;
	struct sat fee;
	struct err err;
	struct tx tx;
	size_t n, open;

	must(psbt_fee(a, p, &fee, &err) == 0 || refused(&err));
	if (psbt_jobs(a, p, fingerprint, &jobs, &n, &err) == 0)
		for (size_t i = 0; i < n; i++)
			must(psbt_put_key_sig(a, p, &jobs[i], no_signature, &err) != 0 && err.code == ERR_CRYPTO);
	else
		must(refused(&err));
	if (psbt_finalise(a, p, &open, &err) != 0) {
		must(refused(&err));
		return;
	}
	if (psbt_extract(a, p, &tx, &err) == 0)
		must(open == 0);
	else
		must(open > 0 && refused(&err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t blind[32] = { 1 };
	static bool ready;
	SCOPED(arena) struct arena a = ARENA_LIMIT(ARENA_MAX);
	SCOPED(buf) struct buf first = BUF_CAP(2 * PSBT_SIZE_MAX);
	SCOPED(buf) struct buf second = BUF_CAP(2 * PSBT_SIZE_MAX);
	struct psbt p, again;
	struct err err;

	if (!ready)
		must(secp_init(blind));
	ready = true;
	if (psbt_decode(&a, (struct bytes){ data, size }, &p, &err) != 0) {
		must(err.code == ERR_PSBT || err.code == ERR_RANGE);
		return 0;
	}
	psbt_encode(&p, &first);
	must(psbt_decode(&a, buf_bytes(&first), &again, &err) == 0);
	psbt_encode(&again, &second);
	must(buf_ok(&first) && buf_ok(&second) && bytes_equal(buf_bytes(&first), buf_bytes(&second)));
	/* Combined with itself it gains nothing. */
	must(psbt_combine(&a, &again, &p, &err) == 0);
	buf_reset(&second);
	psbt_encode(&again, &second);
	must(second.n == first.n);
	use(&a, &p);
	return 0;
}
