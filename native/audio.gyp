# The audio parts of the engine, without Node: codec/, dsp/, jitter/. The addon depends on `audio`; the
# programs audio_test and audio_bench stand on it alone.
{
  'target_defaults': {
    'include_dirs': ['.'],
    'cflags!': ['-O2', '-pthread'],
    'cflags': ['-O3', '-Wall', '-Wextra', '-Wconversion', '-Wswitch-enum', '-fno-trapping-math', '-fno-math-errno'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fexceptions', '-frtti'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
    'xcode_settings': {
      'CLANG_CXX_LANGUAGE_STANDARD': 'c++20',
      'GCC_ENABLE_CPP_EXCEPTIONS': 'NO',
      'GCC_ENABLE_CPP_RTTI': 'NO',
      'GCC_OPTIMIZATION_LEVEL': '3',
    },
    'conditions': [['target_arch=="x64"', {'defines': ['MINUSONE_X86=1']}]],
  },
  'conditions': [
    ['target_arch=="x64"', {
      # One file an instruction set, each compiled with its own flags; cpu.cc picks at run time.
      'targets': [
        {
          'target_name': 'audio_sse41',
          'type': 'static_library',
          'sources': ['dsp/kernels_sse41.cc'],
          'cflags': ['-msse4.1'],
          'xcode_settings': {'OTHER_CFLAGS': ['-msse4.1']},
        },
        {
          'target_name': 'audio_avx2',
          'type': 'static_library',
          'sources': ['dsp/kernels_avx2.cc'],
          'cflags': ['-mavx2'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx2']},
        },
        {
          'target_name': 'audio_avx512',
          'type': 'static_library',
          'sources': ['dsp/kernels_avx512.cc'],
          # gcc 12 warns about its own header (PR 105593).
          'cflags': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq', '-Wno-uninitialized', '-Wno-maybe-uninitialized', '-Wno-unknown-warning-option'],
          'xcode_settings': {'OTHER_CFLAGS': ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512dq']},
        },
      ],
    }],
  ],
  'targets': [
    {
      'target_name': 'audio',
      'type': 'static_library',
      'sources': [
        'codec/g711.cc',
        'codec/g722.cc',
        'codec/l16.cc',
        'codec/opus.cc',
        'codec/opus_packet.cc',
        'codec/registry.cc',
        'dsp/amplify.cc',
        'dsp/automatic_gain.cc',
        'dsp/comfort_noise.cc',
        'dsp/concealment.cc',
        'dsp/cpu.cc',
        'dsp/dtmf_detector.cc',
        'dsp/fft.cc',
        'dsp/kernels_scalar.cc',
        'dsp/level.cc',
        'dsp/limiter.cc',
        'dsp/noise_suppressor.cc',
        'dsp/resampler.cc',
        'dsp/time_stretch.cc',
        'dsp/tone.cc',
        'dsp/vad.cc',
        'jitter/arrival_window.cc',
        'jitter/buffer.cc',
        'jitter/playout.cc',
        'jitter/pull.cc',
      ],
      'dependencies': ['opus.gyp:opus'],
      'direct_dependent_settings': {'include_dirs': ['.']},
      'conditions': [
        ['target_arch=="x64"', {'dependencies': ['audio_sse41', 'audio_avx2', 'audio_avx512']}],
      ],
    },
    {
      'target_name': 'audio_bench',
      'type': 'executable',
      'dependencies': ['audio'],
      'sources': ['bench/audio_bench.cc'],
    },
    {
      'target_name': 'audio_test',
      'type': 'executable',
      'dependencies': ['audio'],
      'sources': [
        'test/audio_test.cc',
        'test/concealment_test.cc',
        'test/g711_test.cc',
        'test/jitter_test.cc',
        'test/codec_test.cc',
        'test/kernels_test.cc',
        'test/levels_test.cc',
        'test/playout_test.cc',
        'test/resampler_test.cc',
        'test/suppressor_test.cc',
        'test/tones_test.cc',
      ],
    },
    {
      'target_name': 'opus_test',
      'type': 'executable',
      'dependencies': ['audio', 'opus.gyp:opus'],
      'sources': ['test/opus_test.cc'],
    },
    {
      # Against other implementations, loaded where the machine has them.
      'target_name': 'reference_test',
      'type': 'executable',
      'dependencies': ['audio', 'opus.gyp:opus'],
      'sources': ['test/reference_test.cc'],
      'libraries': ['-ldl'],
    },
    {
      'target_name': 'g722_test',
      'type': 'executable',
      'dependencies': ['audio'],
      'sources': ['test/g722_test.cc'],
    },
  ],
}
