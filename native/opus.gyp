# libopus 1.3.1, from the sources that npm's @discordjs/opus carries (their own build enables no SIMD). Float build; on
# x86-64 the SSE4.1 files are compiled with their own flags and chosen at run time by the library.
{
  'variables': {'opus': '../node_modules/@discordjs/opus/deps/opus'},
  'target_defaults': {
    'include_dirs': ['<(opus)/include', '<(opus)/celt', '<(opus)/silk', '<(opus)/silk/float', '<(opus)'],
    'cflags!': ['-O2', '-pthread'],
    'cflags': ['-O3', '-w', '-fno-math-errno', '-fno-trapping-math'],
    'cflags_c': ['-std=gnu99'],
    'xcode_settings': {'GCC_OPTIMIZATION_LEVEL': '3', 'WARNING_CFLAGS': ['-w']},
    'defines': ['OPUS_BUILD', 'VAR_ARRAYS', 'HAVE_LRINT', 'HAVE_LRINTF', 'PACKAGE_VERSION="1.3.1"'],
    'conditions': [
      ['target_arch=="x64"', {
        'defines': [
          'OPUS_HAVE_RTCD', 'CPU_INFO_BY_C',
          'OPUS_X86_MAY_HAVE_SSE', 'OPUS_X86_PRESUME_SSE',
          'OPUS_X86_MAY_HAVE_SSE2', 'OPUS_X86_PRESUME_SSE2',
          'OPUS_X86_MAY_HAVE_SSE4_1',
        ],
      }],
    ],
  },
  'conditions': [
    ['target_arch=="x64"', {
      'targets': [{
        'target_name': 'opus_sse41',
        'type': 'static_library',
        'sources': ['<!@(node opus-sources.cjs CELT_SOURCES_SSE4_1 SILK_SOURCES_SSE4_1)'],
        # The maps that choose at run time are in the same list, and must run on any processor.
        'sources/': [['exclude', 'x86_silk_map']],
        'cflags': ['-msse4.1'],
        'xcode_settings': {'OTHER_CFLAGS': ['-msse4.1']},
      }],
    }],
  ],
  'targets': [
    {
      'target_name': 'opus',
      'type': 'static_library',
      'sources': ['<!@(node opus-sources.cjs CELT_SOURCES SILK_SOURCES SILK_SOURCES_FLOAT OPUS_SOURCES OPUS_SOURCES_FLOAT)'],
      'direct_dependent_settings': {'include_dirs': ['<(opus)/include']},
      'conditions': [
        ['target_arch=="x64"', {
          'dependencies': ['opus_sse41'],
          'sources': [
            '<!@(node opus-sources.cjs CELT_SOURCES_SSE CELT_SOURCES_SSE2)',
            '<(opus)/silk/x86/x86_silk_map.c',
          ],
        }],
      ],
    },
  ],
}
