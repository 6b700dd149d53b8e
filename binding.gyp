# The addon `minusone` and the programs that test and measure the engine without Node. Only native/napi/ sees
# Node's headers; the audio parts come from native/audio.gyp.
{
  'target_defaults': {
    'include_dirs': ['native'],
    'cflags!': ['-O2'],
    'cflags': ['-O3', '-Wall', '-Wextra', '-Wconversion', '-Wswitch-enum'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fexceptions', '-frtti'],
    'cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
  },
  'targets': [
    {
      'target_name': 'engine',
      'type': 'static_library',
      'dependencies': ['native/audio.gyp:audio'],
      'export_dependent_settings': ['native/audio.gyp:audio'],
      'sources': [
        'native/engine/commands.cc',
        'native/engine/context.cc',
        'native/engine/engine.cc',
        'native/engine/leg_tick.cc',
        'native/engine/load_meter.cc',
        'native/engine/mix.cc',
        'native/engine/player.cc',
        'native/engine/playout.cc',
        'native/engine/receiving.cc',
        'native/engine/recording.cc',
        'native/engine/relay.cc',
        'native/engine/roster.cc',
        'native/engine/rtcp_session.cc',
        'native/engine/run_loop.cc',
        'native/engine/sending.cc',
        'native/engine/tones.cc',
        'native/net/udp_link.cc',
        'native/rtp/rtcp.cc',
        'native/rtp/stream_stats.cc',
        'native/rtp/telephone_event.cc',
      ],
    },
    {
      'target_name': 'minusone',
      'dependencies': ['engine'],
      'include_dirs': ["<!(node -p \"require('node-addon-api').include_dir\")"],
      'defines': ['NAPI_DISABLE_CPP_EXCEPTIONS', 'NAPI_VERSION=8'],
      # node-addon-api itself is not written for these warnings.
      'cflags': ['-Wno-conversion', '-Wno-switch-enum'],
      'sources': [
        'native/napi/addon.cc',
        'native/napi/decode.cc',
        'native/napi/engine_wrap.cc',
        'native/napi/sockets.cc',
      ],
    },
    {
      'target_name': 'engine_test',
      'type': 'executable',
      'dependencies': ['engine'],
      'sources': [
        'native/test/churn_test.cc',
        'native/test/engine_test.cc',
        'native/test/leg_test.cc',
        'native/test/mix_test.cc',
        'native/test/rates_test.cc',
        'native/test/rtp_test.cc',
      ],
    },
    {
      'target_name': 'engine_load',
      'type': 'executable',
      'dependencies': ['engine'],
      'sources': ['native/bench/engine_load.cc'],
      'libraries': ['-lpthread'],
    },
    {
      # Programs that nothing else asks for.
      'target_name': 'programs',
      'type': 'none',
      'dependencies': [
        'native/audio.gyp:audio_bench',
        'native/audio.gyp:audio_test',
        'native/audio.gyp:g722_test',
        'native/audio.gyp:opus_test',
        'native/load/load.gyp:load_test',
        'native/load/load.gyp:rtp_load',
      ],
    },
  ],
}
