//! One token for each byte, in files that `tokenizers` and `transformers` read: byte-level BPE without a single merge.
//! No vocabulary has to be learned or downloaded, and decoding gives back exactly what was encoded.

use serde_json::{Map, Value, json};

/// Number of tokens. A token's number is the byte it stands for.
pub const VOCABULARY: usize = 256;

/// The character that stands for a byte in the vocabulary, by GPT-2's `bytes_to_unicode`: printable bytes stand for
/// themselves, the others for the characters from U+0100 on, in order.
#[must_use]
pub fn symbol(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&earlier| !printable(earlier)).count();
    u32::try_from(0x100 + before)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `tokenizer.json`.
#[must_use]
pub fn tokenizer() -> Value {
    let vocabulary: Map<String, Value> = (0..=u8::MAX)
        .map(|byte| (symbol(byte).to_string(), Value::from(byte)))
        .collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": null,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": false,
            "byte_fallback": false,
            "ignore_merges": false,
            "vocab": vocabulary,
            "merges": [],
        },
    })
}

/// `tokenizer_config.json`.
#[must_use]
pub fn tokenizer_config(longest: usize) -> Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "clean_up_tokenization_spaces": false,
        "model_input_names": ["input_ids", "attention_mask"],
    })
}

/// `generation_config.json`: what `generate` of `transformers` does when not told otherwise.
#[must_use]
pub fn generation_config() -> Value {
    json!({ "do_sample": false, "max_new_tokens": 200, "use_cache": true })
}

/// The tokens of a text.
#[must_use]
pub fn encode(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_those_of_gpt2() {
        for (byte, known) in [
            (b'A', 'A'),
            (b' ', 'Ġ'),
            (b'\n', 'Ċ'),
            (0, 'Ā'),
            (0x7f, 'ġ'),
            (0xad, 'Ń'),
            (0xff, 'ÿ'),
        ] {
            assert_eq!(symbol(byte), known, "{byte}");
        }
    }

    #[test]
    fn every_byte_has_a_symbol_of_its_own() {
        let vocabulary = tokenizer();
        let vocabulary = vocabulary["model"]["vocab"].as_object().unwrap();
        assert_eq!(vocabulary.len(), VOCABULARY);
        assert!((0..=u8::MAX).all(|byte| vocabulary[&symbol(byte).to_string()] == byte));
        assert!(!vocabulary.contains_key(&char::REPLACEMENT_CHARACTER.to_string()));
    }
}
