/** What the random model says: common English words, and some whose letters take two to four bytes each. */
export const WORDS = [
  ..."the of and to in is that for it as was with be by on not he his but at are this have from or had an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years much where your way down should because long each just state those people too mr how little good world make very year still see own work men day get here old life both between being under three never know same last another while us might great go come since against right came take used himself few house use place during high without again home around small however found mrs part school thought went say general once upon war every does got united left number course until always away something fact water though less public put think almost hand enough took far head yet better set told nothing night end why called find going look asked later knew point next program city business give group toward young let room".split(
    " ",
  ),
  ...[
    "naïve",
    "café",
    "Straße",
    "größer",
    "ключ",
    "модель",
    "λόγος",
    "שלום",
    "مرحبا",
    "日本語",
    "模型",
    "한국어",
    "नमस्ते",
    "🙂",
    "🚀",
    "👩‍💻",
    "½",
    "€",
    "→",
    "∑",
  ],
];
