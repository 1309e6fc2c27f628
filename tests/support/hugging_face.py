"""Hugging Face models of every common kind, from tiny configurations, with random weights; nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
import transformers as hf
from torch import Tensor, nn

from tests.support.program import Program, Step

Built = tuple[nn.Module, dict[str, Tensor]]

TEXT: Final = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
LLAMA: Final = {**TEXT, "num_key_value_heads": 1, "intermediate_size": 24, "max_position_embeddings": 32}
BERT: Final = {**TEXT, "intermediate_size": 24, "max_position_embeddings": 32}
VISION: Final = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "image_size": 16,
    "patch_size": 8,
}  # fmt: skip
hf.logging.set_verbosity_error()  # what it lacks for speed is of no interest here
MODELS: Final[dict[str, Callable[[], Built]]] = {}


def model(build: Callable[[], Built]) -> Callable[[], Built]:
    MODELS[build.__name__] = build
    return build


def tokens(length: int = 7) -> Tensor:
    return torch.randint(3, 32, (2, length))


def images(size: int = 16) -> Tensor:
    return torch.randn(2, 3, size, size)


def language(network: nn.Module) -> Built:
    ids = tokens()
    return network, {"input_ids": ids, "labels": ids}


@model
def gpt2() -> Built:
    config = hf.GPT2Config(
        vocab_size=32, n_embd=16, n_layer=2, n_head=2, n_positions=32, bos_token_id=0, eos_token_id=0
    )
    return language(hf.GPT2LMHeadModel(config))


@model
def llama() -> Built:
    return language(hf.LlamaForCausalLM(hf.LlamaConfig(**LLAMA)))


@model
def mixtral() -> Built:
    config = hf.MixtralConfig(**LLAMA, num_local_experts=3, num_experts_per_tok=2, output_router_logits=True)
    return language(hf.MixtralForCausalLM(config))


@model
def qwen2() -> Built:
    return language(hf.Qwen2ForCausalLM(hf.Qwen2Config(**LLAMA, tie_word_embeddings=True)))


@model
def gpt_neox() -> Built:
    return language(hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**BERT, bos_token_id=0, eos_token_id=0)))


@model
def bert() -> Built:
    network = hf.BertForMaskedLM(hf.BertConfig(**BERT))
    ids = tokens()
    return network, {"input_ids": ids, "labels": ids, "attention_mask": torch.tensor([[1] * 7, [1] * 4 + [0] * 3])}


@model
def distilbert() -> Built:
    config = hf.DistilBertConfig(
        vocab_size=32, dim=16, n_layers=2, n_heads=2, hidden_dim=24, max_position_embeddings=32
    )
    return hf.DistilBertForSequenceClassification(config), {"input_ids": tokens(), "labels": torch.tensor([0, 1])}


@model
def roberta() -> Built:
    network = hf.RobertaForTokenClassification(hf.RobertaConfig(**BERT, pad_token_id=1))
    return network, {"input_ids": tokens(), "labels": torch.randint(0, 2, (2, 7))}


@model
def t5() -> Built:
    config = hf.T5Config(
        vocab_size=32, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2, decoder_start_token_id=0
    )
    return hf.T5ForConditionalGeneration(config), {"input_ids": tokens(), "labels": tokens(5)}


@model
def bart() -> Built:
    config = hf.BartConfig(
        vocab_size=32, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, max_position_embeddings=32,
        bos_token_id=0, eos_token_id=2, pad_token_id=1, forced_eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    return hf.BartForConditionalGeneration(config), {"input_ids": tokens(), "labels": tokens(5)}


@model
def vit() -> Built:
    return hf.ViTForImageClassification(hf.ViTConfig(**VISION)), {
        "pixel_values": images(), "labels": torch.tensor([0, 1])
    }  # fmt: skip


@model
def swin() -> Built:
    config = hf.SwinConfig(
        image_size=16, patch_size=2, embed_dim=8, depths=[1, 2], num_heads=[1, 2], window_size=4, drop_path_rate=0.2
    )
    return hf.SwinForImageClassification(config), {"pixel_values": images(), "labels": torch.tensor([1, 0])}


@model
def convnext() -> Built:
    config = hf.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, patch_size=2, drop_path_rate=0.1)
    return hf.ConvNextForImageClassification(config), {"pixel_values": images(), "labels": torch.tensor([1, 0])}


@model
def resnet() -> Built:
    config = hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="bottleneck")
    return hf.ResNetForImageClassification(config), {"pixel_values": images(), "labels": torch.tensor([1, 0])}


@model
def clip() -> Built:
    text = hf.CLIPTextConfig(**BERT, projection_dim=8, bos_token_id=0, eos_token_id=2, pad_token_id=1)
    config = hf.CLIPConfig(text_config=text.to_dict(), vision_config={**VISION, "projection_dim": 8}, projection_dim=8)
    return hf.CLIPModel(config), {"input_ids": tokens(), "pixel_values": images(), "return_loss": True}


@model
def whisper() -> Built:
    config = hf.WhisperConfig(
        vocab_size=32, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=24, decoder_ffn_dim=24, num_mel_bins=8, max_source_positions=10,
        max_target_positions=16, bos_token_id=0, eos_token_id=2, pad_token_id=1, decoder_start_token_id=0,
    )  # fmt: skip
    features = torch.randn(2, 8, 20)
    return hf.WhisperForConditionalGeneration(config), {"input_features": features, "labels": tokens(5)}


@model
def mamba() -> Built:
    config = hf.MambaConfig(vocab_size=32, hidden_size=16, state_size=4, num_hidden_layers=2)
    return language(hf.MambaForCausalLM(config))


def program_of(name: str) -> Program:
    """Returns a training step of the named model: its own loss, one backward pass, the optimizer."""

    def build() -> Step:
        network, inputs = MODELS[name]()
        network.train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01)

        def step(**inputs: Any) -> Any:
            optimizer.zero_grad()
            output = network(**inputs)
            output.loss.backward()
            optimizer.step()
            return output

        return Step(step, (), inputs, state=(network, optimizer))

    return Program(name, build)
