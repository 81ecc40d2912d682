import onnx
import pytest
import torch
from torch import nn

from gaitproof.modelling.export import export_onnx

pytestmark = pytest.mark.slow


class Last(nn.Module):
    """A recurrent layer alone."""

    def __init__(self, kind):
        super().__init__()
        self.layer = kind(3, 4, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_second_export_of_a_process_is_as_free_as_the_first(kind):
    for _ in range(2):
        weights = export_onnx(Last(kind), (torch.zeros(1, 5, 3),), ("x",), ("y",), axis=1)
        shape = onnx.load_from_string(weights).graph.input[0].type.tensor_type.shape
        assert shape.dim[1].dim_param == "count"
