#include "rails/bitcoin/policy.h"

#include "rails/bitcoin/compact.h"

/* What Core takes an input to be, in bytes, when it asks what spending will cost: with a witness at a quarter, or without. */
#define SPEND_WITNESS (32 + 4 + 1 + 107 / 4 + 4)
#define SPEND_LEGACY  (32 + 4 + 1 + 107 + 4)

struct sat policy_dust(struct bytes script)
{
	uint64_t size = 8 + compact_len(script.n) + script.n;

	if (spk_is_unspendable(script))
		return (struct sat){ 0 };
	size += spk_witness_version(script, NULL) >= 0 ? SPEND_WITNESS : SPEND_LEGACY;
	return (struct sat){ POLICY_DUST_RATE * size };
}

bool policy_is_dust(const struct tx_out *out)
{
	return sat_cmp(out->value, policy_dust(out->script)) < 0;
}

size_t policy_find_anchor(const struct tx *tx)
{
	size_t i = 0;

	while (i < tx->n_out && spk_classify(tx->out[i].script, NULL) != SPK_P2A)
		i++;
	return i;
}

static int check_size(const struct tx *tx, struct err *err)
{
	unsigned max = tx->version == TRUC_VERSION ? TRUC_WEIGHT_MAX : POLICY_WEIGHT_MAX;

	if (tx->version < 1 || tx->version > TRUC_VERSION)
		return ERR(err, ERR_UNSUPPORTED, "policy: version %u is not relayed", tx->version);
	if (tx_weight(tx).v > max)
		return ERR(err, ERR_RANGE, "policy: a weight above %u is not relayed", max);
	if (tx_size_legacy(tx) < POLICY_SIZE_MIN)
		return ERR(err, ERR_RANGE, "policy: less than %u bytes are not relayed", POLICY_SIZE_MIN);
	return 0;
}

static int check_inputs(const struct tx *tx, struct err *err)
{
	for (size_t i = 0; i < tx->n_in; i++)
		if (tx->in[i].script_sig.n > POLICY_SCRIPT_SIG_MAX || !script_push_only(tx->in[i].script_sig))
			return ERR(err, ERR_UNSUPPORTED, "policy: the script of input %zu is not relayed", i);
	return 0;
}

static int check_outputs(const struct tx *tx, struct sat fee, struct err *err)
{
	size_t n_dust = 0, n_data = 0;

	for (size_t i = 0; i < tx->n_out; i++) {
		enum spk_type type = spk_classify(tx->out[i].script, NULL);

		n_dust += policy_is_dust(&tx->out[i]);
		n_data += type == SPK_OP_RETURN;
		if (type == SPK_OTHER ||
		    (type == SPK_OP_RETURN && (tx->out[i].script.n > POLICY_OP_RETURN_MAX || n_data > 1)))
			return ERR(err, ERR_UNSUPPORTED, "policy: the script of output %zu is not relayed", i);
		if (policy_is_dust(&tx->out[i]) && (n_dust > 1 || fee.v != 0))
			return ERR(err, ERR_DUST, "policy: output %zu is dust: less than %llu sat", i,
				   (unsigned long long)policy_dust(tx->out[i].script).v);
	}
	return 0;
}

int policy_check(const struct tx *tx, struct sat fee, struct err *err)
{
	if (check_size(tx, err) != 0 || check_inputs(tx, err) != 0 || check_outputs(tx, fee, err) != 0)
		return -1;
	return 0;
}

/* Every dust output of the parent is spent by the child, or none of both is relayed; and nobody is there to spend the
 * child's. */
static int check_ephemeral(const struct policy_package *p, const struct txid *parent, struct err *err)
{
	for (size_t i = 0; i < p->child->n_out; i++)
		if (policy_is_dust(&p->child->out[i]))
			return ERR(err, ERR_DUST, "policy: output %zu of the child is dust", i);
	for (size_t i = 0; i < p->parent->n_out; i++) {
		const struct outpoint at = { *parent, (uint32_t)i };

		if (policy_is_dust(&p->parent->out[i]) && tx_find_input(p->child, &at) == p->child->n_in)
			return ERR(err, ERR_DUST, "policy: the child leaves output %zu of its parent, which is dust",
				   i);
	}
	return 0;
}

static bool spends(const struct tx *child, const struct txid *parent)
{
	for (size_t i = 0; i < child->n_in; i++)
		if (txid_equal(&child->in[i].prevout.txid, parent))
			return true;
	return false;
}

int policy_check_package(const struct policy_package *p, struct err *err)
{
	struct txid parent = tx_txid(p->parent);
	bool truc = p->parent->version == TRUC_VERSION;

	if (policy_check(p->parent, p->parent_fee, err) != 0)
		return err_context(err, "parent");
	if (policy_check(p->child, p->child_fee, err) != 0)
		return err_context(err, "child");
	if (!spends(p->child, &parent))
		return ERR(err, ERR_UNSUPPORTED, "policy: the child does not spend its parent");
	if (truc != (p->child->version == TRUC_VERSION))
		return ERR(err, ERR_UNSUPPORTED, "policy: a parent of version %u with a child of version %u",
			   p->parent->version, p->child->version);
	if (truc && tx_weight(p->child).v > TRUC_CHILD_WEIGHT_MAX)
		return ERR(err, ERR_RANGE, "policy: a TRUC child above %u weight units is not relayed",
			   TRUC_CHILD_WEIGHT_MAX);
	return check_ephemeral(p, &parent, err);
}

struct weight policy_package_weight(const struct policy_package *p)
{
	return weight_add(tx_weight(p->parent), tx_weight(p->child));
}
