//! Where a Chinese name is cut into surname and given name. Documents write it in one piece, so only
//! what begins with a surname that everybody knows is cut; nothing else is guessed.

/// Of two characters.
const COMPOUND: &str = "万俟 司马 上官 欧阳 夏侯 诸葛 闻人 东方 赫连 皇甫 尉迟 公羊 澹台 公冶 宗政 濮阳 淳于 单于 \
    太叔 申屠 公孙 仲孙 轩辕 令狐 钟离 宇文 长孙 慕容 鲜于 闾丘 司徒 司空 拓跋 端木 呼延 南宫 东郭 百里 西门 独孤 \
    完颜 纳兰 乐正 谷梁 梁丘 左丘 东门 微生 羊舌";

/// Of one, from the Hundred Surnames and those that are common today.
const SINGLE: &str = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚\
    范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄\
    和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁\
    钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁\
    荀羊於惠甄曲家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘\
    景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴鬱胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍\
    郤璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广\
    禄阙东欧殳沃利蔚越夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公\
    肖付闫丘苟覃佟仝楚代岳亓冼兰涂揭邸";

/// Surname and given name of a name in two to four Han characters.
pub(super) fn cut(name: &str) -> Option<(&str, &str)> {
    let ends: Vec<usize> = name.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
    if !(2..=4).contains(&ends.len()) {
        return None;
    }
    let after = |n: usize| name.split_at_checked(*ends.get(n - 1)?);
    if ends.len() > 2 {
        let both = after(2)?;
        if COMPOUND.split_whitespace().any(|known| known == both.0) {
            return Some(both);
        }
    }
    // Four with a surname of one are as often no Han name at all (阿里木江).
    after(1).filter(|(surname, _)| ends.len() < 4 && SINGLE.contains(surname))
}
