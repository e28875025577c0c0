/* What our decoder makes of transactions, for tests/e2e/run_differential to hold against a node's: hex on each line of the
 * standard input, and for each a line of JSON on the standard output, with everything that was read, or the kind of error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/bitcoin/tx.h"

#define LINE_MAX_BYTES (2u * TX_SIZE_MAX + 1)

static void set_hex(struct arena *a, json_t *obj, const char *name, struct bytes v)
{
	json_set_str(obj, name, hex_text(a, v));
}

static json_t *input(struct arena *a, const struct tx_in *in)
{
	json_t *v = json_object_in(a), *witness = json_array_in(a);
	char txid[TXID_TEXT];

	txid_text(&in->prevout.txid, txid);
	json_set_str(v, "txid", txid);
	json_set_int(v, "vout", in->prevout.vout);
	set_hex(a, v, "script", in->script_sig);
	json_set_int(v, "sequence", in->sequence);
	for (size_t i = 0; i < in->witness.n; i++)
		json_add_take(witness, json_string(hex_text(a, in->witness.items[i])));
	json_set(v, "witness", witness);
	return v;
}

static json_t *output(struct arena *a, const struct tx_out *out)
{
	json_t *v = json_object_in(a);

	json_set_u64(v, "sat", sat_value(out->value));
	set_hex(a, v, "script", out->script);
	return v;
}

static json_t *shown(struct arena *a, const struct tx *tx)
{
	json_t *v = json_object_in(a), *in = json_array_in(a), *out = json_array_in(a);
	struct txid txid = tx_txid(tx);
	struct wtxid wtxid = tx_wtxid(tx);
	char text[TXID_TEXT];

	txid_text(&txid, text);
	json_set_str(v, "txid", text);
	memcpy(txid.b, wtxid.b, sizeof(txid.b));
	txid_text(&txid, text);
	json_set_str(v, "hash", text);
	json_set_int(v, "size", (int64_t)tx_size(tx));
	json_set_u64(v, "vsize", tx_vsize(tx));
	json_set_u64(v, "weight", tx_weight(tx).v);
	json_set_int(v, "version", tx->version);
	json_set_int(v, "locktime", tx->locktime);
	for (size_t i = 0; i < tx->n_in; i++)
		json_add(in, input(a, &tx->in[i]));
	for (size_t i = 0; i < tx->n_out; i++)
		json_add(out, output(a, &tx->out[i]));
	json_set(v, "in", in);
	json_set(v, "out", out);
	return v;
}

static void answer(const char *hex)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64u * LINE_MAX_BYTES);
	json_t *refused = json_object_in(&a);
	struct bytes raw;
	struct err err;
	struct tx tx;

	if (!hex_decode_any(&a, hex, TX_SIZE_MAX + 1, &raw))
		err_fatal("a line that is not hex");
	if (tx_decode(&a, raw, &tx, &err) == 0) {
		puts(json_text(&a, shown(&a, &tx)));
		return;
	}
	json_set_str(refused, "error", err_kind(err.code));
	json_set_str(refused, "message", err.msg);
	puts(json_text(&a, refused));
}

int main(void)
{
	size_t size = 0;
	char *line = NULL;
	ssize_t n;

	while ((n = getline(&line, &size, stdin)) > 0) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		answer(line);
	}
	free(line);
	return ferror(stdin) || fflush(stdout) != 0 ? 1 : 0;
}
