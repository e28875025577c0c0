/* A script from a stranger: walk over it; written again from what was seen, and if every push was minimal, it is the same.
 * And it is what its parts make. */
#include <stdlib.h>
#include <string.h>

#include "rails/bitcoin/address.h"
#include "rails/bitcoin/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void walk(struct bytes script)
{
	SCOPED(buf) struct buf b = BUF_CAP(2 * script.n + 16);
	struct script_reader r = script_reader_of(script);
	bool minimal = true, pushes = true;
	struct script_item item;

	while (script_next(&r, &item)) {
		int64_t v;

		minimal = minimal && item.minimal;
		pushes = pushes && item.op <= OP_16;
		if (item.op == OP_0 || item.data.n > 0)
			script_push(&b, item.data);
		else
			buf_u8(&b, item.op);
		if (script_item_number(&item, 8, &v)) {
			SCOPED(buf) struct buf n = BUF_CAP(16);
			struct script_reader again;
			struct script_item number;
			int64_t w;

			script_push_number(&n, v);
			again = script_reader_of(buf_bytes(&n));
			must(script_next(&again, &number) && script_item_number(&number, 8, &w) && v == w);
		}
	}
	must(script_push_only(script) == (pushes && !r.failed));
	if (!r.failed && minimal)
		must(bytes_equal(buf_bytes(&b), script));
}

static void classify(struct bytes script)
{
	struct bytes part, program;
	enum spk_type type = spk_classify(script, &part);
	int version = spk_witness_version(script, &program);
	char text[ADDRESS_TEXT_MAX];
	struct spk back;
	struct err err;

	must(spk_type_name(type)[0] != '\0');
	must(policy_dust(script).v == 0 || !spk_is_unspendable(script));
	if (address_text(script, NETWORK_REGTEST, text)) {
		must(address_parse(text, NETWORK_REGTEST, &back, &err) == 0);
		must(bytes_equal(spk_bytes(&back), script));
	} else {
		must(type == SPK_OTHER || type == SPK_OP_RETURN);
	}
	if (version >= 0 && spk_witness((unsigned)version, program, &back))
		must(bytes_equal(spk_bytes(&back), script));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk((struct bytes){ data, size });
	classify((struct bytes){ data, size });
	return 0;
}
