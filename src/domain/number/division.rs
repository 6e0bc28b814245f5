//! Administrative divisions (GB/T 2260), as far as numbers and pick lists need them today.

use super::normalise;

/// The first two digits, Chinese and English; `83` stands in residence permits alone.
const PROVINCES: [(&str, &str, &str); 34] = [
    ("11", "北京市", "Beijing"),
    ("12", "天津市", "Tianjin"),
    ("13", "河北省", "Hebei"),
    ("14", "山西省", "Shanxi"),
    ("15", "内蒙古自治区", "Inner Mongolia"),
    ("21", "辽宁省", "Liaoning"),
    ("22", "吉林省", "Jilin"),
    ("23", "黑龙江省", "Heilongjiang"),
    ("31", "上海市", "Shanghai"),
    ("32", "江苏省", "Jiangsu"),
    ("33", "浙江省", "Zhejiang"),
    ("34", "安徽省", "Anhui"),
    ("35", "福建省", "Fujian"),
    ("36", "江西省", "Jiangxi"),
    ("37", "山东省", "Shandong"),
    ("41", "河南省", "Henan"),
    ("42", "湖北省", "Hubei"),
    ("43", "湖南省", "Hunan"),
    ("44", "广东省", "Guangdong"),
    ("45", "广西壮族自治区", "Guangxi"),
    ("46", "海南省", "Hainan"),
    ("50", "重庆市", "Chongqing"),
    ("51", "四川省", "Sichuan"),
    ("52", "贵州省", "Guizhou"),
    ("53", "云南省", "Yunnan"),
    ("54", "西藏自治区", "Tibet"),
    ("61", "陕西省", "Shaanxi"),
    ("62", "甘肃省", "Gansu"),
    ("63", "青海省", "Qinghai"),
    ("64", "宁夏回族自治区", "Ningxia"),
    ("65", "新疆维吾尔自治区", "Xinjiang"),
    ("71", "台湾省", "Taiwan"),
    ("81", "香港特别行政区", "Hong Kong"),
    ("82", "澳门特别行政区", "Macao"),
];

pub fn is_province(prefix: &str) -> bool {
    PROVINCES.iter().any(|(code, _, _)| *code == prefix)
}

pub fn province_name(prefix: &str, in_english: bool) -> Option<&'static str> {
    let known = PROVINCES.iter().find(|(code, _, _)| *code == prefix);
    known.map(|(_, chinese, english)| if in_english { *english } else { *chinese })
}

/// A six-digit code such as `360000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Division(String);

impl Division {
    pub fn parse(text: &str) -> Option<Self> {
        let text = normalise(text);
        let digits = text.len() == 6 && text.chars().all(|c| c.is_ascii_digit());
        (digits && is_province(text.get(..2)?)).then_some(Self(text))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The province this division lies in.
    #[must_use]
    pub fn province(&self) -> Self {
        Self(format!("{}0000", self.0.get(..2).unwrap_or_default()))
    }
}
