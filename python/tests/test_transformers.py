# SPDX-License-Identifier: MIT
"""norma.torch.replace_norms on small models of transformers: the same tokens, and the error of the
logits."""

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import norma.torch

SIZES = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 500,
}
DECODERS = {
    "Llama": "RMSNorm, weight_offset 0, contract hf",
    "Qwen3": "RMSNorm, weight_offset 0, contract hf",
    "Mistral": "RMSNorm, weight_offset 0, contract hf",
    "Gemma2": "RMSNorm, weight_offset 1, contract fp32_once",
}


def with_random_norms(model, generator):
    for name, parameter in model.named_parameters():
        if "norm" in name.lower() and parameter.dim() == 1:
            parameter.data.copy_(0.5 + torch.rand(parameter.shape, generator=generator))
    return model.eval()


def made(name, **more):
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**SIZES, **more)
    kind = f"{name}Model" if name == "Bert" else f"{name}ForCausalLM"
    return with_random_norms(getattr(transformers, kind)(config), torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_same_tokens(name, dtype):
    model = made(name, num_key_value_heads=2, head_dim=32, pad_token_id=0).to(dtype)
    tokens = torch.arange(1, 17).reshape(2, 8)
    state = list(model.state_dict())
    with torch.no_grad():
        logits = model(tokens).logits
        expected = model.generate(tokens, max_new_tokens=8, do_sample=False)
        found = norma.torch.replace_norms(model)
        assert set(found.values()) == {DECODERS[name]}
        assert len(found) >= 5 and list(model.state_dict()) == state
        error = (model(tokens).logits - logits).abs().max() / logits.abs().max()
        assert error < (1e-5 if dtype == torch.float32 else 2e-2)
        assert torch.equal(model.generate(tokens, max_new_tokens=8, do_sample=False), expected)


def test_bert():
    model = made("Bert")
    tokens = torch.arange(1, 17).reshape(2, 8)
    with torch.no_grad():
        expected = model(tokens).last_hidden_state
        assert set(norma.torch.replace_norms(model).values()) == {"LayerNorm"}
        torch.testing.assert_close(model(tokens).last_hidden_state, expected, atol=1e-5, rtol=1e-5)


def test_gradients_of_a_model():
    model = made("Llama", num_key_value_heads=2)
    tokens = torch.arange(1, 17).reshape(2, 8)

    def gradients():
        loss = model(tokens, labels=tokens).loss
        return torch.autograd.grad(loss, list(model.parameters()))

    expected = gradients()
    norma.torch.replace_norms(model)
    for theirs, ours in zip(expected, gradients(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


def test_what_is_left_alone():
    class OddRMSNorm(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.eps = torch.nn.Parameter(torch.ones(64)), 1e-6

        def forward(self, x):
            return x * self.weight / (x.abs().mean(-1, keepdim=True) + self.eps)

    model = torch.nn.Sequential(OddRMSNorm(), torch.nn.Linear(64, 64))
    assert norma.torch.replace_norms(model) == {
        "0": "left alone: OddRMSNorm computes something else"
    }
