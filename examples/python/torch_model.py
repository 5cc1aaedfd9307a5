# SPDX-License-Identifier: MIT
"""A small PyTorch model, trained and run with Norma's norms: needs torch."""

# %% A pre-norm block with PyTorch's modules.
import torch

import norma.torch

torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.RMSNorm(256),
    torch.nn.Linear(256, 256),
    torch.nn.GELU(),
    torch.nn.LayerNorm(256),
)
x, target = torch.randn(64, 256), torch.randn(64, 256)
expected = model(x)

# %% As it is: PyTorch's own functions, by Norma's kernels, forward and backward.
norma.torch.enable()
torch.testing.assert_close(model(x), expected, atol=1e-5, rtol=1e-5)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
losses = []
for _ in range(5):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print("losses:", losses, "left to PyTorch:", norma.torch.left_alone())
assert losses == sorted(losses, reverse=True)
norma.torch.disable()

# %% Or its modules, which share the parameters, and stay whole in torch.compile and torch.export.
model[0] = norma.torch.RMSNorm.of(model[0])
program = torch.export.export(model, (x,))
print([str(node.target) for node in program.graph.nodes if "norma" in str(node.target)])
