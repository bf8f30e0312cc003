/** A service of all four kinds for the transports' tests, described at run time: it is on nobody's wire. */
import { create, toBinary } from '@bufbuild/protobuf';
import type { GenService } from '@bufbuild/protobuf/codegenv2';
import { fileDesc, serviceDesc } from '@bufbuild/protobuf/codegenv2';
import type { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { file_google_protobuf_wrappers, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

interface Texts {
  input: typeof StringValueSchema;
  output: typeof StringValueSchema;
}

type EchoMethods = {
  say: Texts & { methodKind: 'unary' };
  repeat: Texts & { methodKind: 'server_streaming' };
  join: Texts & { methodKind: 'client_streaming' };
  chat: Texts & { methodKind: 'bidi_streaming' };
};

const text = { inputType: '.google.protobuf.StringValue', outputType: '.google.protobuf.StringValue' };

const file = create(FileDescriptorProtoSchema, {
  name: 'echo.proto',
  package: 'test',
  syntax: 'proto3',
  dependency: ['google/protobuf/wrappers.proto'],
  service: [
    {
      name: 'Echo',
      method: [
        { name: 'Say', ...text },
        { name: 'Repeat', ...text, serverStreaming: true },
        { name: 'Join', ...text, clientStreaming: true },
        { name: 'Chat', ...text, clientStreaming: true, serverStreaming: true },
      ],
    },
  ],
});

const encoded = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');

export const Echo: GenService<EchoMethods> = serviceDesc(fileDesc(encoded, [file_google_protobuf_wrappers]), 0);
